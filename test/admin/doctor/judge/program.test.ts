// What runs as whom, on planted facts: Node of any age, accounts and their neighbours.
import { expect, test } from 'vitest';
import { amiss, COMPILED, DATABASE, ENTRIES, inode, NOBODY, only, place } from '../healthy.ts';

test('a first line that finds no node', () => {
  const entry = { nodePlace: undefined, node: undefined };
  expect(only({ entry })).toMatchObject({ check: 'node', severity: 'error' });
});

test('a Node of later', () => {
  expect(amiss({ entry: { nodeRun: { status: 0, out: 'v26.0.0', error: '' } } })).toEqual([]);
});

test('where npm has not run the install script, it is said how to', () => {
  expect(only({ entry: { compiled: place(COMPILED, undefined) } })).toMatchObject({
    check: 'compiled',
    severity: 'note',
    what: expect.stringContaining('Node 20.20.2'),
    mend: '/usr/bin/node /usr/local/lib/node_modules/greylatch/bin/precompile.js',
  });
});

test('what root has compiled for itself alone', () => {
  const compiled = place(COMPILED, inode(COMPILED, 0o600, 0, 'file'));
  expect(only({ entry: { compiled } })).toMatchObject({
    check: 'compiled',
    what: expect.stringContaining(`may not read ${COMPILED}`),
    mend: expect.stringContaining('bin/precompile.js'),
  });
});

test("Node is given pnpm's script for the shell", () => {
  const run = { status: 1, out: '', error: 'SyntaxError: Invalid or unexpected token' };
  expect(only({ entry: { run } })).toMatchObject({
    check: 'start',
    mend: expect.stringContaining('greylatch/bin/greylatch.js'),
  });
});

test('what cannot be looked at may well be there', () => {
  const compiled = { ...place(COMPILED, undefined), reason: 'EACCES' };
  expect(amiss({ entry: { compiled } })).toEqual([]);
  expect(amiss({ entry: { compiled: undefined } })).toEqual([]);
});

test('a blank behind argv=, which e.g. a script in place of Node cannot mend', () => {
  const what = expect.stringContaining('a blank follows argv=');
  expect(only({ entry: { program: ['', '/usr/bin/node'] } })).toMatchObject({ check: 'node', what });
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

test('quotes around an option’s value hold nothing together', () => {
  const entries = ENTRIES.trimEnd().concat(' --text "come back later"\n');
  expect(only({ entries })).toMatchObject({
    check: 'options',
    mend: expect.stringContaining('--text { ... }'),
  });
});

test.each([
  [5, 'p3, the process p4: they'],
  [8, 'p4 and 3 more: they'],
])('of %i neighbours five are named', (count, what) => {
  const others = Array.from({ length: count }, (_, i) => `the process p${i}`);
  const found = { severity: 'note', check: 'shared-user', what: expect.stringContaining(what) };
  expect(only({ entry: { others } })).toMatchObject(found);
});

test.each([
  ['its directory goes with it', false, 'nologin greylatch && chown -R greylatch /var/mta, and user='],
  ["others' files stay whose they are", true, 'nologin greylatch, and user='],
])('a user of its own, in words for a shell: %s', (_, shared, mend) => {
  const entry = { others: ['the process x'], database: { ...DATABASE, shared } };
  expect(only({ entry }).mend).toContain(mend);
});

test.each([
  ['user=nobody ', '', {}, 'user= is missing'],
  ['user=nobody', 'user=gone', { account: undefined }, 'user=gone does not exist'],
  ['user=nobody', 'user=nobody:gone', { account: undefined }, 'user=nobody:gone does not exist'],
  ['', '', { account: { ...NOBODY, uid: 0 } }, 'user=nobody is root'],
  ['', '', { account: { ...NOBODY, uid: 102 } }, 'is the owner of the mail system (postfix)'],
  ['', '', { account: { ...NOBODY, gid: 0 } }, "the group of user=nobody is root's"],
  ['', '', { account: { ...NOBODY, gid: 105 } }, 'the group of user=nobody is that of postfix'],
  ['', '', { account: { ...NOBODY, gid: 108 } }, 'the group of user=nobody is postdrop'],
  ['user=nobody', 'user=nobody chdir=/tmp', {}, '"chdir=/tmp" is neither user= nor argv='],
])('what spawn(8) refuses: "%s" written "%s", and %o', (from, to, entry, what) => {
  const found = amiss({ entries: ENTRIES.replace(from, to), entry }).filter(({ check }) => check === 'user');
  expect(found).toMatchObject([
    { severity: 'error', what: expect.stringContaining(`${what}: spawn(8) refuses`) },
  ]);
});

test.each([
  ['does not exist', undefined, undefined],
  ['belongs to root', NOBODY, { ...NOBODY, uid: 0 }],
])('nothing is said of programs that were not tried: the user %s', (_, __, account) => {
  const nodePlace = undefined;
  expect(amiss({ entry: { account, nodePlace } }).map(({ check }) => check)).not.toContain('node');
});

test.each([
  [undefined, 'useradd --system --shell /usr/sbin/nologin greylatch, and user='],
  [{ ...DATABASE, directory: place('/var/mta', undefined) }, 'nologin greylatch, and user='],
])('what is not there is not given to a user of its own', (database, mend) => {
  const found = amiss({ entry: { others: ['the process x'], database } });
  expect(found.find(({ check }) => check === 'shared-user')!.mend).toContain(mend);
});

test('Node that may not be run', () => {
  const nodePlace = place('/root/node', inode('/root/node', 0o700, 0, 'file'));
  expect(only({ entry: { nodePlace } })).toMatchObject({
    severity: 'error',
    check: 'node',
    what: expect.stringContaining('Node cannot be run: the user nobody may not run /root/node'),
    mend: expect.stringContaining('instead of /usr/bin/node:'), // as master.cf names it
  });
  const found = only({ entry: { nodePlace, node: undefined } });
  expect(found.mend).toContain('instead of /root/node:'); // found by its first line
});

test.each([
  [{ status: 127, out: '', error: 'not found' }, 'is no Node that runs (not found); greylatch needs 20'],
  [{ status: 0, out: 'perl 5', error: '' }, 'is no Node that runs (perl 5); greylatch needs 20'],
  [{ status: 0, out: 'v19.9.0', error: '' }, 'is Node 19.9.0; greylatch needs 20'],
  [undefined, 'is no Node that runs'],
])('a Node that said %o', (nodeRun, what) => {
  expect(only({ entry: { nodeRun } })).toMatchObject({ check: 'node', what: expect.stringContaining(what) });
});

test.each([
  ['/usr/bin/node', 0o744, []],
  [undefined, 0o744, ['script']],
  [undefined, 0o755, []],
])('with node = %s, greylatch of mode %o', (node, mode, checks) => {
  const script = '/usr/local/bin/greylatch';
  const scriptPlace = place(script, inode(script, mode, 0, 'file'));
  expect(amiss({ entry: { node, scriptPlace } }).map(({ check }) => check)).toEqual(checks);
});

test('greylatch is not there, or not reached', () => {
  const script = '/usr/local/bin/greylatch';
  const missing = only({ entry: { scriptPlace: place(script, undefined) } });
  expect(missing).toMatchObject({ check: 'script', mend: expect.stringContaining('and its path') });
  const scriptPlace = { ...place(script, undefined), reason: 'ELOOP' };
  expect(only({ entry: { scriptPlace } })).toMatchObject({
    check: 'script',
    mend: expect.stringMatching(/^install it where everybody may read: /),
  });
});

test.each([
  [{ status: 1, out: '', error: 'SyntaxError' }, 'greylatch does not start: SyntaxError'],
  [{ status: 139, out: '', error: '' }, 'greylatch does not start: status 139'],
])('it does not start: %o', (run, what) => {
  expect(only({ entry: { run } })).toMatchObject({ severity: 'error', check: 'start', what });
});
