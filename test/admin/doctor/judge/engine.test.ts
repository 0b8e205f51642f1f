// What is said of an engine that no test can easily have: an old one, one beyond the network, nodes of different clocks.
import { expect, test } from 'vitest';
import type { EngineFacts } from '../../../../src/admin/doctor/engine.ts';
import { judgeEngine } from '../../../../src/admin/doctor/judge/engine.ts';
import type { Node } from '../../../../src/store/fleet/examine.ts';
import { inode, NOBODY, place } from '../healthy.ts';
import { ENGINE, NODE } from './engine.ts';

const judged = (node: Partial<Node>, other: Partial<EngineFacts> = {}, ...more: Partial<Node>[]) =>
  judgeEngine({
    ...ENGINE,
    engine: { nodes: [node, ...more].map((one) => ({ ...NODE, ...one })), refused: '' },
    ...other,
  })
    .filter(({ severity }) => severity !== 'ok')
    .map(({ severity, check }) => `${severity} ${check}`);

test('filters that store under different keys, on whichever node', () => {
  const other = { keys: ['client-key=address/sender-key=exact'] };
  expect(judged({}, {}, {})).toEqual([]);
  expect(judged({}, {}, { keys: [] })).toEqual([]);
  expect(judged({}, {}, other)).toEqual(['warning store-keys']);
  expect(judged({ keys: [...NODE.keys, ...other.keys] })).toEqual(['warning store-keys']);
  const { nodes } = { nodes: [NODE, { ...NODE, ...other }] };
  const what = (engine: EngineFacts['engine']) => judgeEngine({ ...ENGINE, engine })[0]!.what;
  expect(what({ nodes, refused: '' })).toBe(what({ nodes: nodes.toReversed(), refused: '' }));
});

test('an engine that is too old', () => {
  expect(judged({})).toEqual([]);
  expect(judged({ version: '5.0.14' })).toEqual(['error store-version']);
  expect(judged({ version: '8.0.1', program: 'valkey' })).toEqual([]);
});

test('plain text and no password matter on a network, not on loopback and not in a socket', () => {
  const far = { address: '::ffff:192.0.2.7' };
  expect(judged(far)).toEqual(['warning store-tls']);
  expect(judged(far, { encrypted: true })).toEqual([]);
  expect(judged({ ...far, open: true })).toEqual(['error store-password', 'warning store-tls']);
  expect(judged({ ...far, open: true }, { encrypted: true })).toEqual(['error store-password']);
  for (const address of ['127.0.0.9', '::ffff:127.0.0.1', '::1', undefined])
    expect(judged({ address, open: true })).toEqual([]);
});

test('clocks: of the host a word, of the nodes of a Cluster a warning', () => {
  expect(judged({ ahead: -5 })).toEqual(['note store-clock']);
  expect(judged({ ahead: 3600 })).toEqual(['warning store-clock']);
  expect(judged({ ahead: 0.5 }, {}, { ahead: -4 })).toEqual(['warning store-clock', 'note store-clock']);
  expect(judged({ ahead: 0.5 }, {}, { ahead: -0.5 })).toEqual([]);
});

test('what an engine does not say is not held against it', () => {
  const managed = { maxMemory: undefined, policy: undefined, appendOnly: undefined, save: undefined };
  expect(judged({ ...managed, filters: undefined })).toEqual([]);
  expect(judged({ role: undefined })).toEqual([]);
  const closed = { ...managed, version: undefined, role: undefined, memory: undefined };
  expect(judged(closed)).toEqual(['note store-info']);
});

test('who runs the filter has to read the password file', () => {
  const file = '/etc/greylatch.password';
  const other = { passwordFile: place(file, inode(file, 0o600, 0, 'file')), account: NOBODY };
  expect(judged({}, other)).toEqual(['error password-file']);
  const own = { ...other, passwordFile: place(file, inode(file, 0o600, NOBODY.uid, 'file')) };
  expect(judged({}, own)).toEqual([]);
  const closed = inode('/etc/keys', 0o700, 0);
  const inside = { ...own, passwordFile: place(file, inode(file, 0o600, NOBODY.uid, 'file'), closed) };
  const found = judgeEngine({ ...ENGINE, ...inside }).find(({ check }) => check === 'password-file');
  expect(found?.mend).toBe('chmod a+x /etc/keys');
});

test('an engine that is not reached: what is wrong with the password file is said once', () => {
  const file = '/etc/greylatch.password';
  const closed = place(file, inode(file, 0o600, 0, 'file'));
  const found = (facts: Partial<EngineFacts>) => judged({}, { engine: undefined, account: NOBODY, ...facts });
  expect(found({ trouble: 'ECONNREFUSED' })).toEqual(['error store']);
  const trouble = `cannot read ${file}`;
  expect(found({ trouble, passwordFile: closed })).toEqual(['error password-file']);
  const both = ['error password-file', 'error store'];
  expect(found({ trouble: 'ECONNREFUSED', passwordFile: closed })).toEqual(both);
  const own = place(file, inode(file, 0o600, NOBODY.uid, 'file'));
  expect(found({ trouble, passwordFile: own })).toEqual(['error store']);
});

test('an engine that takes nothing', () => {
  const engine = (node: Partial<Node>) => ({ nodes: [{ ...NODE, ...node }, NODE], refused: 'READONLY' });
  expect(judged({}, { engine: engine({}) })).toEqual(['error store-use']);
  expect(judged({}, { engine: engine({ role: 'slave' }) })).toEqual(['error store-role']); // which says it
});

test('the password file is not there, or for too many', () => {
  const path = '/etc/greylatch.password';
  const found = (passwordFile: EngineFacts['passwordFile'], account: EngineFacts['account']) =>
    judgeEngine({ ...ENGINE, passwordFile, account }).find(({ check }) => check === 'password-file');
  expect(found(place(path, undefined), NOBODY)).toMatchObject({
    what: 'the password file does not exist',
    mend: expect.stringContaining(`chown nobody ${path} && chmod 600 ${path}`),
  });
  expect(found({ ...place(path, undefined), reason: 'ELOOP' }, NOBODY)!.what).toBe(
    'cannot be reached (ELOOP)',
  );
  const open = place(path, inode(path, 0o640, NOBODY.uid, 'file'));
  expect(found(open, NOBODY)).toMatchObject({
    what: expect.stringContaining('others than its owner may use it'),
    mend: expect.stringContaining('change the password'),
  });
  expect(found(open, undefined)!.mend).toContain('chown USER');
  expect(found(place(path, inode(path, 0o600, 0, 'file')), NOBODY)!.mend).toBe(
    `chown nobody ${path} && chmod 600 ${path}`,
  );
});

test('how far clocks may go', () => {
  expect(judged({ ahead: 0 }, {}, { ahead: 2 })).toEqual(['note store-clock']); // of the host; not of each other
  expect(judged({ ahead: 1.4 })).toEqual([]);
  expect(judged({ ahead: 59 })).toEqual(['note store-clock']);
  expect(judged({ ahead: 60 })).toEqual(['warning store-clock']);
  const what = (ahead: number) =>
    judgeEngine({ ...ENGINE, engine: { nodes: [{ ...NODE, ahead }], refused: '' } }).at(-1)!.what;
  expect(what(5)).toContain('ahead of that of this host');
  expect(what(-5)).toContain('behind that of this host');
});

test('what answers is named, as far as it says', () => {
  const ok = (node: Partial<Node>) =>
    judgeEngine({ ...ENGINE, engine: { nodes: [{ ...NODE, ...node }], refused: '' } })[0];
  expect(ok({})).toMatchObject({ severity: 'ok', what: 'answers: redis 7.0.15, 0.2 ms a round trip' });
  expect(ok({ version: undefined })!.what).toBe('answers: redis, 0.2 ms a round trip');
});
