// Databases of greylist.pl and postgrey as text of db_dump: samples that the programs wrote, and what is wrong
// in all manners.
import { expect, test } from 'vitest';
import { readBerkeley } from '../../../src/admin/import/berkeley.ts';
import { AS_OF, ORIGIN, problems, readAll, sample } from './reading.ts';

const HEADER = 'VERSION=3\nformat=print\ntype=btree\ndb_pagesize=4096\nHEADER=END\n';

/** A dump with -p of these lines. */
function dump(...lines: string[]): string {
  return `${HEADER}${lines.map((line) => ` ${line}\n`).join('')}DATA=END\n`;
}

const FIRST = 1_795_552_648;
const triple = (client: string, sender: string, recipient = 'bob@example.net') => ({
  kind: 'triple',
  client,
  sender,
  recipient,
  firstSeen: FIRST,
  lastSeen: AS_OF,
  passed: true,
  origin: ORIGIN,
});
const client = (address: string, comeBacks: number, lastSeen = AS_OF) => ({
  kind: 'client',
  client: address,
  comeBacks,
  lastSeen,
  origin: ORIGIN,
});

test.each(['greylist.dump', 'greylist-p.dump'])("%s: greylist.pl's triples and counts", async (name) => {
  expect(await readAll(readBerkeley, sample(name))).toEqual([
    client('192.0.2.17', 4),
    triple('192.0.2.17', ''),
    triple('192.0.2.17', 'a/b@example.org', 'c/d@example.net'),
    triple('192.0.2.17', 'ann.sender+news@example.org'),
    client('198.51.100.9', 2),
    triple('198.51.100.9', 'bounce-123-bob=example.net@lists.example.com'),
    triple('198.51.100.9', 'root'),
    client('2001:db8::1:25', 1),
    triple('2001:db8::1:25', 'j\xf6rg@example.org'),
    client('203.0.113.7', 1),
    triple('203.0.113.7', 'back\\slash@example.org'),
    {
      ...triple('203.0.113.99', 'never@example.com'),
      firstSeen: FIRST + 3,
      lastSeen: FIRST + 3,
      passed: false,
    },
  ]);
});

const T = 1_764_000_000;

test("postgrey's triples: networks, passed where they came back after its delay", async () => {
  const at = (address: string, sender: string, last: number, recipient?: string) => ({
    ...triple(address, sender, recipient),
    firstSeen: T,
    lastSeen: T + last,
  });
  expect(await readAll(readBerkeley, sample('postgrey.dump'))).toEqual([
    at('192.0.2.0/24', '', 4400),
    at('192.0.2.0/24', 'a/b@example.org', 400, 'c/d@example.net'),
    at('192.0.2.0/24', 'ann.sender@example.org', 4400),
    at('198.51.100.0/24', 'bounce-#-bob=example.net@lists.example.com', 4400),
    at('2001:db8::/64', 'j\xf6rg@example.org', 400),
  ]);
  const early = dump('192.0.2.0/a@example.org/b@example.net', `${T},${T + 299}`);
  expect(await readAll(readBerkeley, early)).toMatchObject([{ passed: false, lastSeen: T + 299 }]);
});

test("postgrey's clients have their last time", async () => {
  expect(await readAll(readBerkeley, sample('postgrey_clients-p.dump'))).toEqual([
    client('192.0.2.17', 1, T + 400),
    client('192.0.2.18', 1, T + 400),
    client('198.51.100.9', 1, T + 400),
    client('2001:db8::1:25', 1, T + 400),
  ]);
});

test('keys that are hashes cannot be imported, and the message says why', async () => {
  const found = await readAll(readBerkeley, sample('postgrey-privacy-p.dump'));
  expect(found).toHaveLength(5);
  expect(new Set(problems(found).map(({ what }) => what))).toEqual(
    new Set(['the key is a hash (postgrey --privacy), of which no address can be made']),
  );
});

test('a triple of greylist.pl waits where its client never came back', async () => {
  const text = dump('192.0.2.1', '3', '192.0.2.1/a@b/c@d', `${T}`, '192.0.2.2/a@b/c@d', `${T}`);
  expect(await readAll(readBerkeley, text)).toMatchObject([
    { kind: 'client' },
    { client: '192.0.2.1', passed: true, lastSeen: AS_OF },
    { client: '192.0.2.2', passed: false, lastSeen: T },
  ]);
});

test('a bad line costs its own pair only, wherever it stands', async () => {
  const pair = (n: number) => [`192.0.2.${n}/a@b/c@d`, `${T},${T}`];
  const good = [pair(1), pair(2), pair(3)].flat();
  const clients = async (lines: string[]) =>
    (await readAll(readBerkeley, dump(...lines))).flatMap((f) => (f.kind === 'triple' ? [f.client] : []));
  expect(await clients(good)).toHaveLength(3);
  for (let at = 0; at < good.length; at++) {
    const without = good.toSpliced(at, 1);
    const changed = good.with(at, '\\zz');
    const others = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].toSpliced(at >> 1, 1);
    expect(await clients(without)).toEqual(others);
    expect(await clients(changed)).toEqual(others);
  }
});

test('the last value of a dump that was cut off is not taken for a whole one', async () => {
  const cut = dump('192.0.2.1', '12', '192.0.2.2', '34').replace(/4\nDATA=END\n$/, '');
  expect(cut).toMatch(/ 3$/);
  const found = await readAll(readBerkeley, cut);
  expect(found.slice(0, -1)).toEqual([client('192.0.2.1', 12)]);
  expect(problems(found)).toEqual([{ line: 9, what: expect.stringContaining('cut off') }]);
});

test('what is wrong is named with its line', async () => {
  const at = async (text: string) => problems(await readAll(readBerkeley, text));
  expect(await at(dump('192.0.2.1/r/a/b@c', `${T}`))).toEqual([
    { line: 7, what: 'the key can be taken apart in more than one way' },
  ]);
  expect(await at(dump('example.org/a@b/c@d', `${T}`))).toEqual([
    { line: 7, what: 'the client is not an address' },
  ]);
  expect(await at(dump('example.org', '3'))).toEqual([
    { line: 7, what: 'the key is neither a triple nor the address of a client' },
  ]);
  expect(await at(dump('192.0.2.1/a@b/c@d', '99999999999'))).toMatchObject([{ line: 7 }]);
  expect(await at(`${HEADER} 192.0.2.1\n 3\n`)).toMatchObject([
    { line: 7, what: expect.stringContaining('cut off') },
  ]);
  expect(await at('')).toMatchObject([{ line: 0, what: expect.stringContaining('no HEADER=END') }]);
  expect(await at(`nonsense\n${dump('192.0.2.1', '3')}`)).toMatchObject([{ line: 1 }]);
  expect(await at(`${HEADER}no blank before\nDATA=END\n`)).toMatchObject([{ line: 6 }]);
});

test('several dumps in one file, with CR LF, are read one after the other', async () => {
  const text = dump('192.0.2.1', '3') + dump('192.0.2.2', `5,${T}`);
  expect(await readAll(readBerkeley, text.replaceAll('\n', '\r\n'))).toEqual([
    client('192.0.2.1', 3),
    client('192.0.2.2', 5, T),
  ]);
});

test('an empty database is not passed over in silence', async () => {
  expect(problems(await readAll(readBerkeley, dump()))).toEqual([
    { line: 1, what: expect.stringContaining('db_dump -h DIRECTORY') },
  ]);
});
