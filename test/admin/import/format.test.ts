// The format by the first bytes; and no bytes make a reader throw, hang, or make up what the store cannot hold.
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { csvLine } from '../../../src/admin/import/csv.ts';
import { detectFormat, FORMATS, READERS } from '../../../src/admin/import/format.ts';
import { CSV_COLUMNS, toCsv, toJson } from '../../../src/admin/import/greylatch.ts';
import { checked } from '../../../src/admin/import/record.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { readAll, sample } from './reading.ts';

const SAMPLES = readdirSync(new URL('../../data/import', import.meta.url));
const CLIENT = { kind: 'client', client: '192.0.2.1', comeBacks: 3, lastSeen: 4, origin: 'mx1' } as const;

test.each(SAMPLES)('%s is known for what it is', (name) => {
  const format = name.endsWith('.csv') ? 'sqlgrey-csv' : name.endsWith('.sql') ? 'sqlgrey-sql' : 'db_dump';
  expect(detectFormat(sample(name))).toEqual({ format });
  expect(detectFormat(Buffer.concat([Buffer.from('\ufeff'), sample(name)]))).toEqual({ format });
});

test('our own formats are known', () => {
  expect(detectFormat(Buffer.from(toJson(CLIENT)))).toEqual({ format: 'json' });
  expect(detectFormat(Buffer.from(`${csvLine(CSV_COLUMNS)}\r\n${toCsv(CLIENT)}`))).toEqual({ format: 'csv' });
});

test('a file of none of them is told what to do', () => {
  const page = (at: number, magic: number[]) => {
    const bytes = Buffer.alloc(4096);
    bytes.set(magic, at);
    return bytes;
  };
  const why = (bytes: Buffer) => (detectFormat(bytes) as { why: string }).why;
  expect(why(page(12, [0x62, 0x31, 5, 0]))).toMatch(/db_dump FILE/);
  expect(why(page(12, [0, 6, 0x15, 0x61]))).toMatch(/db_dump FILE/);
  expect(why(page(24, [0xde, 0xc0, 0xef, 0xbe]))).toMatch(/greylatch export/);
  expect(why(Buffer.from('SQLite format 3\0'))).toMatch(/\.dump/);
  expect(why(Buffer.from('PGDMP\x01'))).toMatch(/pg_dump -F p/);
  expect(why(Buffer.from('Dear administrator,\n'))).toMatch(/no known format.*db_dump/);
});

/** A sample with some of its bytes changed, lines cut off, doubled or from another sample. */
function mutant(random: Random, texts: string[]): string {
  const lines = random.pick(texts).split('\n');
  for (let i = random.below(8); i > 0; i--) {
    const at = random.below(lines.length);
    const line = lines[at]!;
    const cut = random.below(line.length + 1);
    const other = random.pick(random.pick(texts).split('\n'));
    const byte = random.pick([...'"\'\\,;()\t\0\xff{}/=x', ' ', '\r', '\n']);
    lines[at] = random.pick([
      line.slice(0, cut),
      line.slice(cut),
      line.slice(0, cut) + byte + line.slice(cut + random.below(2)),
      line + other,
      other,
      line.repeat(3),
      '',
    ]);
  }
  return lines.join('\n');
}

test('no bytes make a reader throw or hang, and what it finds is sound', async () => {
  const random = makeRandom(65);
  const texts = SAMPLES.map((name) => sample(name).toString('latin1'));
  texts.push(Array.from({ length: 20 }, () => toJson(CLIENT)).join('\n'));
  texts.push([csvLine(CSV_COLUMNS), ...Array.from({ length: 20 }, () => toCsv(CLIENT))].join('\n'));
  let records = 0;
  for (let i = 0; i < 1000; i++) {
    const text = mutant(random, texts);
    const detected = detectFormat(Buffer.from(text, 'latin1'));
    const format = 'format' in detected && random.chance(0.8) ? detected.format : random.pick(FORMATS);
    const lines = text.split('\n').length;
    for (const found of await readAll(READERS[format], text, 1 + random.below(500))) {
      const sound = found.kind === 'problem' ? found.line <= lines : checked(0, found) === found;
      if (!sound) expect({ text, format, found }).toBe('sound');
      if (found.kind !== 'problem') records++;
    }
  }
  expect(records).toBeGreaterThan(1000);
});

test.each([
  ['sqlgrey-sql', "INSERT INTO `connect` VALUES ('", "\\'"],
  ['sqlgrey-sql', 'INSERT INTO connect VALUES ', "('a"],
  ['sqlgrey-sql', 'INSERT INTO connect VALUES ', '),('],
  ['sqlgrey-sql', 'INSERT INTO connect VALUES (', '1,'],
  ['sqlgrey-sql', 'COPY connect FROM stdin;\n', '\\'],
  ['sqlgrey-csv', 'sender_domain,src\n', '"'],
  ['sqlgrey-csv', 'sender_domain,src\n"', '\n'],
  ['sqlgrey-csv', 'sender_domain,src\n', '"\n\n'],
  ['csv', 'greylatch\n', '"a"x'],
  ['json', '', '['],
  ['db_dump', 'VERSION=3\nformat=print\nHEADER=END\n ', '\\\\'],
  ['db_dump', 'VERSION=3\nformat=print\nHEADER=END\n ', '/@'],
] as const)('%s: %j and 1 MiB of %j take no more than their share of time', async (format, head, piece) => {
  // A reader that went back and forth over such a line would be hours at it.
  const text = head + piece.repeat((1024 * 1024) / piece.length);
  const found = await readAll(READERS[format], text);
  expect(found.filter((one) => one.kind !== 'problem')).toEqual([]);
});
