// What runs as whom, on planted facts: Node of any age, accounts and their neighbours.
import { expect, test } from 'vitest';
import { amiss, DATABASE, ENTRIES, inode, NOBODY, only, place } from '../healthy.ts';

test('a first line that finds no node', () => {
  expect(only({ entry: { nodePlace: undefined, node: undefined } })).toMatchObject({
    check: 'node',
    severity: 'error',
  });
});

test('Node of several ages', () => {
  const found = (out: string) =>
    amiss({ entry: { nodeRun: { status: 0, out, error: '' } } }).map(({ check }) => check);
  expect(found('v19.9.0')).toEqual(['node']);
  expect(found('v26.0.0')).toEqual([]);
  expect(found('')).toEqual(['node']);
});

test.each([
  [
    '/usr/local/lib/node_modules/greylatch',
    'chmod a\\+x /usr/local/lib/node_modules && chmod -R a\\+rX /usr/local/lib/node_modules/greylatch$',
  ],
  ['/usr/local/lib/node_modules', 'chmod a\\+x /usr/local/lib/node_modules && '],
  ['/root', 'install it where everybody may read: '],
])("what root's umask has closed is opened, and a home is not: %s", (closed, mend) => {
  const script = '/usr/local/bin/greylatch';
  const parents = [inode('/usr/local', 0o755, 0), inode(closed, 0o700, 0)];
  const scriptPlace = place(script, inode(`${closed}/greylatch.js`, 0o700, 0, 'file'), ...parents);
  expect(only({ entry: { scriptPlace } })).toMatchObject({
    check: 'script',
    mend: expect.stringMatching(new RegExp(`^${mend}`)),
  });
});

test('the group of postdrop is refused', () => {
  expect(only({ entry: { account: { ...NOBODY, gid: 108 } } })).toMatchObject({
    check: 'user',
    what: expect.stringContaining('postdrop'),
  });
});

test('an unknown attribute before argv=', () => {
  const entries = ENTRIES.replace('user=nobody', 'user=nobody chdir=/tmp');
  expect(only({ entries })).toMatchObject({ check: 'user', what: expect.stringContaining('"chdir=/tmp"') });
});

test('quotes around an option’s value hold nothing together', () => {
  const entries = ENTRIES.trimEnd().concat(' --text "come back later"\n');
  expect(only({ entries })).toMatchObject({
    check: 'options',
    mend: expect.stringContaining('--text { ... }'),
  });
});

test('many neighbours are not all named', () => {
  const others = Array.from({ length: 8 }, (_, i) => `the process p${i}`);
  expect(only({ entry: { others } })).toMatchObject({
    severity: 'note',
    check: 'shared-user',
    what: expect.stringContaining('p4 and 3 more'),
  });
});

test.each([
  ['its directory goes with it', false, 'nologin greylatch && chown -R greylatch /var/mta, and user='],
  ["others' files stay whose they are", true, 'nologin greylatch, and user='],
])('a user of its own, in words for a shell: %s', (_, shared, mend) => {
  const entry = { others: ['the process x'], database: { ...DATABASE, shared } };
  expect(only({ entry }).mend).toContain(mend);
});
