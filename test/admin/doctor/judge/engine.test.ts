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

test('an engine that is too old', () => {
  expect(judged({})).toEqual([]);
  expect(judged({ version: '5.0.14' })).toEqual(['error store-version']);
  expect(judged({ version: '8.0.1', program: 'valkey' })).toEqual([]);
});

test('plain text and no password matter on a network, not on loopback and not in a socket', () => {
  const far = { address: '::ffff:192.0.2.7' };
  expect(judged(far)).toEqual(['warning store-tls']);
  expect(judged(far, { encrypted: true })).toEqual([]);
  expect(judged(far, { identified: false })).toEqual(['error store-password', 'warning store-tls']);
  expect(judged(far, { identified: false, encrypted: true })).toEqual(['error store-password']);
  for (const address of ['127.0.0.9', '::ffff:127.0.0.1', '::1', undefined])
    expect(judged({ address }, { identified: false })).toEqual([]);
});

test('clocks: of the host a word, of the nodes of a Cluster a warning', () => {
  expect(judged({ ahead: -5 })).toEqual(['note store-clock']);
  expect(judged({ ahead: 3600 })).toEqual(['warning store-clock']);
  expect(judged({ ahead: 0.5 }, {}, { ahead: -4 })).toEqual(['warning store-clock', 'note store-clock']);
  expect(judged({ ahead: 0.5 }, {}, { ahead: -0.5 })).toEqual([]);
});

test('an engine that is nearly too slow', () => {
  expect(judged({ latency: 60 })).toEqual(['warning store-latency']);
  expect(judged({ latency: 60 }, { timeout: 200 })).toEqual([]);
});

test('what an engine does not say is not held against it', () => {
  const managed = { maxMemory: undefined, policy: undefined, appendOnly: undefined, save: undefined };
  expect(judged({ ...managed, filters: undefined })).toEqual([]);
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
