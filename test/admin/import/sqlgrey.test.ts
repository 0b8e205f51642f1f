// sqlgrey's tables, from dumps and CSV that SQLite, MariaDB and PostgreSQL wrote.
import { expect, test } from 'vitest';
import { readSqlgreyCsv, readSqlgreySql } from '../../../src/admin/import/sqlgrey.ts';
import { ORIGIN, problems, readAll, sample } from './reading.ts';

const T = 1_764_000_000; // 2025-11-24 16:00:00 UTC
const triple = (client: string, sender: string, seen: number) => ({
  kind: 'triple',
  client,
  sender,
  recipient: 'bob@example.net',
  firstSeen: seen,
  lastSeen: seen,
  passed: false,
  origin: ORIGIN,
});
const TRIPLES = [
  triple('192.0.2.17', 'ann.sender+news@example.org', T),
  triple('192.0.2.0/24', '', T + 60),
  triple('198.51.100.9', 'o\'brien, "pat"@example.org', T + 120),
  triple('2001:db8::1:25', 'back\\slash@example.org', T + 180),
];
const CLIENTS = [
  { kind: 'client', client: '192.0.2.0/24', comeBacks: 2, lastSeen: T + 3600, origin: ORIGIN },
  { kind: 'client', client: '203.0.113.7', comeBacks: 2, lastSeen: T + 7200, origin: ORIGIN },
  { kind: 'client', client: '2001:db8:0:1::/64', comeBacks: 1, lastSeen: T, origin: ORIGIN },
];
const ALL = expect.arrayContaining([...TRIPLES, ...CLIENTS]);

// Where a dump does not say in which zone its times are, they are of this machine's.
const inZone = async <T>(zone: string, body: () => Promise<T>): Promise<T> => {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    return await body();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
};

test.each([
  ['sqlgrey-sqlite.sql', 'Asia/Tokyo'],
  ['sqlgrey-mysql.sql', 'Asia/Tokyo'],
  ['sqlgrey-mysql-complete.sql', 'UTC'],
  ['sqlgrey-pg-copy.sql', 'UTC'],
  ['sqlgrey-pg-inserts.sql', 'UTC'],
  ['sqlgrey-pg-rows.sql', 'UTC'],
])('%s: every row of the three tables, and nothing else', async (name, zone) => {
  const found = await inZone(zone, () => readAll(readSqlgreySql, sample(name)));
  expect(found).toEqual(ALL);
  expect(found).toHaveLength(7);
});

test('CSV of three tables in one file, with names of columns or without', async () => {
  const text = sample('sqlgrey.csv').toString('latin1');
  const bare = text.replaceAll(/^sender.*\n/gm, '');
  for (const csv of [text, bare, bare.replaceAll('\n', '\r\n')]) {
    const found = await readAll(readSqlgreyCsv, csv);
    expect(found).toEqual(ALL);
    expect(found).toHaveLength(7);
  }
});

test('columns go by their names, whatever their order', async () => {
  const csv = 'first_seen,rcpt,src,sender_domain,sender_name\n1764000000,bob@example.net,192.0.2,b,a\n';
  expect(await readAll(readSqlgreyCsv, csv)).toEqual([triple('192.0.2.0/24', 'a@b', T)]);
  const sql =
    "INSERT INTO `connect` (first_seen, rcpt, src, sender_domain, `sender_name`) VALUES (1764000000,'bob@example.net','192.0.2','b','a');";
  expect(await readAll(readSqlgreySql, sql)).toEqual([triple('192.0.2.0/24', 'a@b', T)]);
});

test('a time has the zone behind it, else the zone of this machine', async () => {
  const seen = (zone: string, time: string) =>
    inZone(zone, async () => {
      const [found] = await readAll(readSqlgreyCsv, `a,b,192.0.2.1,bob@example.net,${time}`);
      return found?.kind === 'triple' ? found.firstSeen - T : found;
    });
  expect(await seen('UTC', '2025-11-24 16:00:00')).toBe(0);
  expect(await seen('Asia/Tokyo', '2025-11-24 16:00:00.123456')).toBe(-9 * 3600);
  expect(await seen('Asia/Tokyo', '2025-11-24 16:00:00+01')).toBe(-3600);
  expect(await seen('UTC', '2025-11-24 16:00:00-0530')).toBe(5.5 * 3600);
  for (const time of ['0000-00-00 00:00:00', 'yesterday', '', '0']) {
    expect(await seen('UTC', time)).toMatchObject({ kind: 'problem', line: 1 });
  }
});

test('a bad row is a problem, and those around it are read', async () => {
  const good = (n: number) => `('a','b','192.0.2.${n}','bob@example.net',${T})`;
  for (const bad of [
    "('a','b','192.0.2.9','bob@example.net)",
    "('a','b','192.0.2.9')",
    "('a','b',NULL,'c',1)",
    "('a' 'b')",
    '()',
    "(x'00','b','192.0.2.9','c',1)",
  ]) {
    for (const between of [',', ',\n']) {
      const sql = `INSERT INTO connect VALUES ${[good(1), bad, good(2)].join(between)};\nINSERT INTO connect VALUES${good(3)};`;
      const found = await readAll(readSqlgreySql, sql);
      const clients = found.flatMap((one) => (one.kind === 'triple' ? [one.client] : []));
      expect({ bad, between, clients }).toEqual({
        bad,
        between,
        clients: ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
      });
      expect(problems(found)).toHaveLength(1);
    }
  }
});

test('a dump that was cut off says so', async () => {
  for (const sql of [
    "INSERT INTO connect VALUES ('a','b','192.0.2.1','c',1764000000),",
    'COPY public.connect (sender_name) FROM stdin;\nx\n',
  ]) {
    expect(problems(await readAll(readSqlgreySql, sql)).at(-1)?.what).toMatch(/cut off/);
  }
});

test('a dump of another database is told from one of sqlgrey with nothing in it', async () => {
  const found = async (sql: string) => problems(await readAll(readSqlgreySql, sql));
  for (const sql of [
    "BEGIN;\nCREATE TABLE users (a);\nINSERT INTO users VALUES('connect');",
    '\\connect postgres\nCOPY public.users (a) FROM stdin;\nconnect\n\\.',
    '',
  ]) {
    const none = expect.stringContaining('none of the tables connect, from_awl, domain_awl');
    expect((await found(sql)).map(({ what }) => what)).toEqual([none]);
  }
  for (const sql of [
    'CREATE TABLE connect (sender_name varchar(64));',
    'COPY public.connect (sender_name, src) FROM stdin;\n\\.\n',
    '-- Dumping data for table `from_awl`\nUNLOCK TABLES;',
  ]) {
    expect(await found(sql)).toEqual([]);
  }
});

test('escapes are those of the program that wrote them', async () => {
  const senders = async (text: string) =>
    (await readAll(readSqlgreySql, text)).map((one) => (one.kind === 'triple' ? one.sender : one));
  const row = (string: string) => `(${string},'b','192.0.2.1','c',${T});`;
  expect(await senders(`INSERT INTO connect VALUES ${row("'a\\'")}`)).toEqual(['a\\@b']);
  expect(await senders(`INSERT INTO \`connect\` VALUES ${row("'a\\'\\\\\\n''\\%'")}`)).toEqual([
    "a'\\\n'%@b",
  ]);
  expect(await senders(`-- MySQL dump 10\nINSERT INTO connect VALUES ${row("_binary 'a\\\"'")}`)).toEqual([
    'a"@b',
  ]);
  expect(await senders(`INSERT INTO "public"."connect" VALUES ${row("E'a\\\\'")}`)).toEqual(['a\\@b']);
  const copy = 'COPY "connect" (sender_name, sender_domain, src, rcpt, first_seen) FROM stdin;\n';
  const line = `a\\\\\\t\\x41\\101\tb\t192.0.2.1\tc\t${T}\n\\.\n`;
  expect(await senders(copy + line)).toEqual(['a\\\tAA@b']);
});
