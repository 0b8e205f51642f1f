// Our own formats: what is exported is imported, byte for byte.
import { expect, test } from 'vitest';
import { csvLine } from '../../../src/admin/import/csv.ts';
import { CSV_COLUMNS, readCsvExport, readJson, toCsv, toJson } from '../../../src/admin/import/greylatch.ts';
import type { Imported } from '../../../src/admin/import/record.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { ORIGIN, problems, readAll } from './reading.ts';

const HEADER = csvLine(CSV_COLUMNS);

function someRecord(random: Random): Imported {
  const text = (least: number) =>
    String.fromCharCode(...Array.from({ length: least + random.below(20) }, () => random.below(256)));
  const firstSeen = 1 + random.below(0x7fffffff);
  const lastSeen = firstSeen + random.below(0x7fffffff);
  const origin = random.pick(['', 'mx1', text(1)]);
  const client = random.pick(['192.0.2.1', '2001:db8::1', '192.0.2.0/24', 'example.org', text(0)]);
  if (random.chance(0.3))
    return { kind: 'client', client, comeBacks: random.below(0xffffffff), lastSeen, origin };
  const passed = random.chance(0.5);
  return { kind: 'triple', client, sender: text(0), recipient: text(0), firstSeen, lastSeen, passed, origin };
}

test('records of any bytes come back from JSON and from CSV, in any chunks', async () => {
  const random = makeRandom(64);
  for (let i = 0; i < 60; i++) {
    const records = Array.from({ length: 20 }, () => someRecord(random));
    const size = 1 + random.below(100);
    expect(await readAll(readJson, `${records.map(toJson).join('\n')}\n`, size)).toEqual(records);
    expect(await readAll(readCsvExport, `${[HEADER, ...records.map(toCsv)].join('\n')}\n`, size)).toEqual(
      records,
    );
  }
});

test('JSON is ASCII on one line, whatever the addresses are', () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  const line = toJson({ kind: 'client', client: all, comeBacks: 1, lastSeen: 2, origin: '' });
  expect(line).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(line)).toEqual({
    v: 1,
    kind: 'client',
    client: all,
    comeBacks: 1,
    lastSeen: 2,
    origin: '',
  });
});

test("the origin is the line's own, else the one of the import", async () => {
  const line = '{"v":1,"kind":"client","client":"192.0.2.1","comeBacks":3,"lastSeen":4';
  expect(await readAll(readJson, `${line}}\n${line},"origin":"mx2"}`)).toMatchObject([
    { origin: ORIGIN },
    { origin: 'mx2' },
  ]);
  const csv = 'greylatch,kind,client,last_seen,come_backs\n1,client,192.0.2.1,4,3\n';
  expect(await readAll(readCsvExport, csv)).toEqual([
    { kind: 'client', client: '192.0.2.1', comeBacks: 3, lastSeen: 4, origin: ORIGIN },
  ]);
});

test('what is wrong is a problem, and what follows is read', async () => {
  const good =
    '{"v":1,"kind":"triple","client":"c","sender":"s","recipient":"r","firstSeen":1,"lastSeen":2,"passed":true,"origin":""}';
  const bad: [string, RegExp][] = [
    ['{', /not JSON/],
    ['null', /newer version/],
    [good.replace('"v":1', '"v":2'), /newer version/],
    [good.replace('triple', 'thing'), /neither a triple/],
    [good.replace('"s"', '7'), /text is missing/],
    [good.replace('"s"', '"\\u0394"'), /no bytes/],
    [good.replace('"s"', `"${'s'.repeat(513)}"`), /longer than 512/],
    [good.replace('"firstSeen":1', '"firstSeen":1.5'), /time/],
    [good.replace('"firstSeen":1', '"firstSeen":"1"'), /time/],
    [good.replace('"firstSeen":1', '"firstSeen":3'), /before it was first seen/],
    [good.replace('"lastSeen":2', '"lastSeen":4294967296'), /time/],
    [good.replace('true', '"yes"'), /passed/],
    ['{"v":1,"kind":"client","client":"c","lastSeen":2,"comeBacks":-1,"origin":""}', /count/],
  ];
  for (const [line, what] of bad) {
    const found = await readAll(readJson, `${line}\n\n${good}\n`);
    expect([line, found]).toMatchObject([line, [{ kind: 'problem', line: 1 }, { kind: 'triple' }]]);
    expect(problems(found)[0]!.what).toMatch(what);
  }
  for (const [line, what] of [
    ['1,triple,c,s,r,1,2,maybe,,o', /passed/],
    ['1,triple,c,s,r,1,x,yes,,o', /time/],
    ['1,client,c,,,,2,,x,o', /count/],
    ['2,triple,c,s,r,1,2,yes,,o', /newer/],
    ['1,thing,c,s,r,1,2,yes,,o', /neither/],
    ['1,triple,c', /more or fewer/],
    ['1,"triple', /CSV/],
  ] as [string, RegExp][]) {
    const found = await readAll(readCsvExport, `${HEADER}\n${line}\n1,client,c,,,,2,,1,o\n`);
    expect([line, found]).toMatchObject([line, [{ kind: 'problem', line: 2 }, { kind: 'client' }]]);
    expect(problems(found)[0]!.what).toMatch(what);
  }
});
