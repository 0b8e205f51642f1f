// One node of the engine, on planted facts: what memory, disk, role and network are like, and what is advised.
import { expect, test } from 'vitest';
import type { EngineFacts } from '../../../../src/admin/doctor/engine.ts';
import { judgeNode } from '../../../../src/admin/doctor/judge/node.ts';
import type { Node } from '../../../../src/store/fleet/examine.ts';
import { ENGINE, NODE } from './engine.ts';

const judged = (node: Partial<Node>, facts: Partial<EngineFacts> = {}) =>
  judgeNode({ ...ENGINE, ...facts }, { ...NODE, ...node });

test('where all is well, nothing is said', () => {
  expect(judged({})).toEqual([]);
  expect(judged({ version: '6.0.16' })).toEqual([]); // the oldest
  expect(judged({ latency: 60 }, { timeout: 200 })).toEqual([]); // of 100 ms, more than half
});

test('a replica', () => {
  expect(judged({ role: 'slave' })).toMatchObject([
    { severity: 'error', check: 'store-role', what: expect.stringContaining('(slave)') },
  ]);
});

test.each([
  [49, []],
  [50, ['warning', 'hosts decide by themselves', '--store-timeout 200ms']],
  [99, ['warning', 'hosts decide by themselves', '--store-timeout 400ms']],
  [100, ['error', 'each host decides by itself', '--store-timeout 400ms']],
])('a round trip of %d ms, of 100 that a request waits', (latency, [severity, what, mend]) => {
  expect(judged({ latency })).toMatchObject(
    severity === undefined
      ? []
      : [
          {
            severity,
            check: 'store-latency',
            what: expect.stringContaining(what!),
            mend: expect.stringContaining(mend!),
          },
        ],
  );
});

test('memory without a bound', () => {
  expect(judged({ maxMemory: 0 })).toMatchObject([
    {
      severity: 'warning',
      check: 'store-memory',
      what: expect.stringContaining('has no bound'),
      mend: 'redis-cli -h 127.0.0.1 -p 6379 CONFIG SET maxmemory 1gb && redis-cli -h 127.0.0.1 -p 6379 CONFIG REWRITE',
    },
  ]);
  expect(judged({ maxMemory: 0, memory: undefined })).toEqual([]); // so INFO was refused, or told little
});

test.each([
  ['noeviction', 'takes nothing new', 1],
  ['volatile-ttl', 'forgets before the time', 2],
])('memory that is nearly full, with %s', (policy, what, findings) => {
  const maxMemory = 100 * 2 ** 20;
  const found = judged({ memory: 0.9 * maxMemory + 1, maxMemory, policy });
  expect(found).toHaveLength(findings);
  expect(found[0]).toMatchObject({ severity: 'warning', check: 'store-memory' });
  expect(found[0]!.what).toContain(what);
  expect(found[0]!.mend).toContain('CONFIG SET maxmemory 181mb');
  expect(judged({ memory: 0.9 * maxMemory, maxMemory })).toEqual([]);
});

test.each([
  ['volatile-ttl', 'note', undefined],
  ['volatile-lru', 'warning', 'known senders'],
  ['allkeys-lru', 'error', 'anything'],
])('what %s forgets is a %s', (policy, severity, what) => {
  const [found, ...more] = judged({ policy });
  expect(more).toEqual([]);
  expect(found).toMatchObject({ severity, check: 'store-eviction' });
  expect(found!.what).toContain(what ?? policy);
  expect(found!.mend?.includes('CONFIG SET maxmemory-policy volatile-ttl') ?? false).toBe(what !== undefined);
});

test.each([
  ['', 'keeps nothing'],
  ['3600 1', 'keeps snapshots only'],
])('no journal, and snapshots at "%s"', (save, what) => {
  expect(judged({ appendOnly: false, save })).toMatchObject([
    {
      severity: 'warning',
      check: 'store-persistence',
      what: expect.stringContaining(what),
      mend: expect.stringContaining('CONFIG SET appendonly yes'),
    },
  ]);
});

test('a disk that took nothing is said before all else about it', () => {
  const found = judged({ diskTrouble: true, appendOnly: false });
  expect(found).toMatchObject([{ severity: 'error', check: 'store-disk' }]);
});

test('the engine is addressed as it is reached', () => {
  const mend = (where: string) => judged({ where, maxMemory: 0 })[0]!.mend;
  expect(mend('/run/redis.sock')).toMatch(/^redis-cli -s \/run\/redis\.sock CONFIG SET/);
  expect(mend('::1:6380')).toMatch(/^redis-cli -h ::1 -p 6380 CONFIG SET/);
});

test('the password is said to travel where there is one', () => {
  const what = (identified: boolean) => judged({ address: '192.0.2.7' }, { identified }).at(-1)!.what;
  expect(what(true)).toBe('addresses and the password go to 192.0.2.7 as plain text');
  expect(what(false)).toBe('addresses go to 192.0.2.7 as plain text');
});
