// greylatch import: from files to what a store is given; what export writes, too.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { exportCommand } from '../../src/admin/export.ts';
import type { Imported } from '../../src/admin/import/record.ts';
import { importCommand } from '../../src/admin/import.ts';
import { newPseudonym } from '../../src/greylist/pseudonym.ts';
import { IN_ORDER } from '../../src/store/admin/change.ts';
import { readSecret } from '../../src/store/disk/secret.ts';
import { useScratch } from '../support/scratch.ts';
import { sample } from './import/reading.ts';
import { NOWHERE, watch } from './watch.ts';

const scratch = useScratch('of all');

function file(name: string, bytes: Buffer | string): string {
  const made = path.join(scratch.path, name);
  writeFileSync(made, bytes, 'latin1');
  return made;
}

const HEADING = 'greylatch,kind,client,sender,recipient,first_seen,last_seen,passed,come_backs,origin\n';

const importFiles = (files: string[], options = {}, isTooOld?: (record: Imported) => boolean) =>
  watch(
    (merging) =>
      importCommand(merging).run({
        ...NOWHERE,
        json: false,
        format: undefined,
        origin: undefined,
        'client-key': 'address',
        'ipv4-prefix': 24,
        'ipv6-prefix': 64,
        'sender-key': 'exact',
        privacy: false,
        files,
        ...options,
      }),
    isTooOld,
  );

test('import: counts are grouped, as elsewhere', async () => {
  const line = (i: number) => `1,client,192.0.${i >> 8}.${i & 255},,,,1700000000,,1,mx1\n`;
  const many = file('many.csv', HEADING + Array.from({ length: 1200 }, (_, i) => line(i)).join(''));
  const { output } = await importFiles([many]);
  expect(output).toContain('0 triples and 1,200 clients\n  1,200 new, 0 changed, 0 known already\n');
});

test('import: several files of several formats, one of them packed, each with its program as origin', async () => {
  const files = [
    file('greylist.dump', sample('greylist.dump')),
    file('sqlgrey.sql.gz', gzipSync(sample('sqlgrey-mysql.sql'))),
  ];
  const { output, status, records, closed } = await importFiles(files);
  expect(status).toBe(0);
  expect(closed).toBe(1);
  expect(output).toContain(
    'greylist.dump (db_dump): 8 triples and 4 clients\n  12 new, 0 changed, 0 known already\n',
  );
  expect(output).toContain('sqlgrey.sql.gz (sqlgrey-sql): 4 triples and 3 clients\n');
  expect(records.map(({ origin }) => origin)).toEqual([
    ...Array(12).fill('db_dump'),
    ...Array(7).fill('sqlgrey'),
  ]);
});

test('import: without a file, what comes by standard input', async () => {
  const stdin = Readable.from([Buffer.from(`${HEADING}1,client,192.0.2.1,,,,1700000000,,1,mx1\n`)]);
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(stdin as typeof process.stdin);
  const { output, records } = await importFiles([]);
  expect(output).toMatch(/^standard input \(csv\): 0 triples and 1 client\n/);
  expect(records).toMatchObject([{ client: '192.0.2.1' }]);
});

test('import: lines that cannot be read are counted by what is wrong, and the rest is merged', async () => {
  const text = `VERSION=3\nformat=print\nHEADER=END\n${' x\n 1\n'.repeat(3)} 192.0.2.1\n 2\n 192.0.2.2\n 3`;
  const { output, status, records } = await importFiles([file('bad.dump', text)], { origin: 'mx1' });
  expect(status).toBe(1);
  expect(records).toMatchObject([{ client: '192.0.2.1', origin: 'mx1' }]);
  expect(output).toContain(
    'line 5 the key is neither a triple nor the address of a client, and so it is with 2 lines more\n',
  );
  expect(output).toMatch(/ {2}line 13 the dump ends without DATA=END: it was cut off, make it again\n$/);
});

test('import: networks that filters with --client-key address would not find are named', async () => {
  const files = [file('networks.dump', sample('postgrey.dump'))];
  const without = await importFiles(files);
  const networks = without.records.filter(({ client }) => client.includes('/')).length;
  expect(networks).toBeGreaterThan(0);
  expect(without.output).toMatch(
    new RegExp(`^ {2}${networks} of networks, which filters with --client-key address do not find$`, 'm'),
  );
  expect(JSON.parse((await importFiles(files, { json: true })).output)).toMatchObject({ networks });
  expect((await importFiles(files, { 'client-key': 'subnet' })).output).not.toContain('of networks');
  const own =
    '{"v":1,"kind":"client","client":"192.0.2.0/24","comeBacks":1,"lastSeen":1700000000,"origin":"mx1"}\n';
  expect((await importFiles([file('own.json', own)])).output).toMatch(/ 1 client\n.*\n$/);
  const table = `${HEADING}1,client,192.0.2.0/24,,,,1700000000,,1,mx1\n`;
  expect((await importFiles([file('own.csv', table)])).output).toMatch(/ 1 client\n.*\n$/);
  expect((await importFiles([file('addresses.dump', sample('greylist.dump'))])).output).not.toContain(
    'of networks',
  );
});

test('import: --json says the same for programs', async () => {
  const { output } = await importFiles([file('privacy', sample('postgrey-privacy-p.dump'))], { json: true });
  expect(JSON.parse(output)).toMatchObject({
    format: 'db_dump',
    triples: 0,
    clients: 0,
    problems: [{ count: 5, line: 7, what: expect.stringContaining('--privacy') }],
  });
});

test('import: under the keys of the filters, with --privacy as well', async () => {
  const files = [file('keys.dump', sample('greylist.dump'))];
  const clients = async (options: object) =>
    (await importFiles(files, options)).records
      .filter(({ kind }) => kind === 'client')
      .map((one) => one.client);
  const plain = await clients({});
  const subnets = await clients({ 'client-key': 'subnet', 'ipv4-prefix': 16 });
  expect(plain).toContain('192.0.2.17');
  expect(subnets).toContain('192.0.0.0/16');
  const db = path.join(scratch.path, 'greylist.mdb');
  const hashes = await clients({ db, privacy: true, 'client-key': 'subnet', 'ipv4-prefix': 16 });
  const pseudonym = newPseudonym(readSecret(db));
  expect(hashes).toEqual(subnets.map(pseudonym));
  const wrong = await importFiles(files, { 'ipv4-prefix': 33 });
  expect(wrong.status).toMatchObject({ name: 'UsageError' });
});

test('import: counts of one subnet add up within a file, however many batches it has, and not from file to file', async () => {
  const line = (i: number) => `1,client,192.0.${i >> 8}.${i & 255},,,,1700000000,,1,mx1\n`;
  const count = 1.5 * IN_ORDER;
  const many = file('subnets.csv', HEADING + Array.from({ length: count }, (_, i) => line(i)).join(''));
  const greatest = async (key: string) => {
    const { records, batches } = await importFiles([many, many], { 'client-key': key, 'ipv4-prefix': 16 });
    expect(batches).toHaveLength(4);
    return Math.max(...records.map((one) => (one.kind === 'client' ? one.comeBacks : 0)));
  };
  expect(await greatest('subnet')).toBe(count);
  expect(await greatest('address')).toBe(1);
});

test('import: where a file is cut off, what was merged before is told', async () => {
  const line = (i: number) => `1,client,2001:db8::${i.toString(16)},,,,1700000000,,${i},mx1\n`;
  const packed = gzipSync(HEADING + Array.from({ length: 10 * IN_ORDER }, (_, i) => line(i)).join(''));
  const cut = file('cut.csv.gz', packed.subarray(0, Math.floor(packed.length / 2)));
  const { output, status, records } = await importFiles([cut]);
  expect(output).toBe('');
  expect(records.length).toBeGreaterThan(IN_ORDER);
  const count = records.length.toLocaleString('en-US');
  expect((status as Error).message).toBe(
    `${cut} is damaged: gzip says unexpected end of file; the first ${count} records of ${cut} were merged`,
  );
});

test('import: of several files, those before one that cannot be read are merged and told', async () => {
  const files = [file('first.dump', sample('greylist.dump')), path.join(scratch.path, 'none')];
  const { output, status, records, closed } = await importFiles(files);
  expect(output).toContain('first.dump (db_dump): 8 triples and 4 clients\n');
  expect(status).toMatchObject({ message: expect.stringMatching(/none does not exist$/) });
  expect([records.length, closed]).toEqual([12, 1]);
  // Lines that cannot be read count, whichever file they are in.
  const bad = file('bad.json', 'rubbish\n');
  const options = { format: 'json' };
  expect((await importFiles([bad, file('empty.json', '')], options)).status).toBe(1);
  expect((await importFiles([file('empty.json', ''), bad], options)).status).toBe(1);
});

test('import: nothing at all is said to be nothing, and is no error: an export of what is new is often empty', async () => {
  const { output, status } = await importFiles([file('empty.json', '')]);
  expect([status, output.split('\n')[0]]).toEqual([
    0,
    `${path.join(scratch.path, 'empty.json')} is empty, as what greylatch export writes where nothing is on record`,
  ]);
  expect((await importFiles([file('head.json', '\n')])).output).toContain('(json): 0 triples and 0 clients');
});

test('import: what an engine has left out is told, and only then', async () => {
  const files = [file('old.dump', sample('greylist.dump'))];
  const told =
    /^ {2}\d+ new, 0 changed, 0 known already\n {2}4 left out: too old by --retry-window or --max-age$/m;
  expect((await importFiles(files, {}, ({ kind }) => kind === 'client')).output).toMatch(told);
  expect((await importFiles(files)).output).not.toContain('left out');
});

test('import: a file of no format, or none, is an error of one line, and the store is closed', async () => {
  for (const [made, what] of [
    [file('letter', 'Dear administrator'), /letter is of no known format/],
    [path.join(scratch.path, 'none'), /none does not exist/],
  ] as const) {
    const { status, closed } = await importFiles([made]);
    expect(status).toMatchObject({ message: expect.stringMatching(what) });
    expect(closed).toBe(1);
  }
  const forced = await importFiles([file('letter', 'Dear administrator')], { format: 'json' });
  expect(forced.status).toBe(1);
});

const RECORDS: Imported[] = Array.from({ length: 2.5 * IN_ORDER }, (_, i) =>
  i % 3 === 0
    ? {
        kind: 'client',
        client: `2001:db8:2::${i.toString(16)}`,
        comeBacks: i,
        lastSeen: 1_764_000_000,
        origin: 'mx1',
      }
    : {
        kind: 'triple',
        client: '2001:db8::1',
        sender: `j\xf6rg,"${i}"\n@example.org`,
        recipient: '',
        firstSeen: 1_763_000_000,
        lastSeen: 1_764_000_000,
        passed: i % 2 === 0,
        origin: 'mx2',
      },
);

test.each(['json', 'csv'] as const)(
  'what export --format %s writes, import reads, in batches',
  async (format) => {
    const exported = await watch(() =>
      exportCommand(async function* () {
        yield RECORDS;
      }).run({ ...NOWHERE, format, since: undefined }),
    );
    expect(exported.status).toBe(0);
    const { records, batches, output } = await importFiles([file('export', exported.output)]);
    expect(records).toEqual(RECORDS);
    expect(batches.map((batch) => batch.length)).toEqual([IN_ORDER, IN_ORDER, IN_ORDER / 2]);
    expect(output).toContain(`(${format}): 16,666 triples and 8,334 clients`);
  },
);
