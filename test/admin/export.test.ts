// greylatch export: what it asks of the store, and that it keeps what it is given to the pace of the reader.
import { expect, test, vi } from 'vitest';
import { exportCommand } from '../../src/admin/export.ts';
import type { Imported } from '../../src/admin/import/record.ts';
import { watch } from './watch.ts';

test('export --since asks for what was seen from then on', async () => {
  let asked = -1;
  const records = (_: string, since: number) => {
    asked = since;
    return [];
  };
  await watch(() => exportCommand(records).run({ db: 'unused', format: 'json', since: undefined }));
  expect(asked).toBe(0);
  const before = Math.floor(Date.now() / 1000);
  await watch(() => exportCommand(records).run({ db: 'unused', format: 'json', since: 3600 }));
  expect(asked).toBeGreaterThanOrEqual(before - 3600);
  expect(asked).toBeLessThanOrEqual(Math.floor(Date.now() / 1000) - 3600);
});

test('what nobody takes is not made', async () => {
  let made = 0;
  function* records(): Generator<Imported> {
    for (; made < 100_000; made++) {
      yield { kind: 'client', client: '192.0.2.1', comeBacks: made, lastSeen: 1_764_000_000, origin: '' };
    }
  }
  let taken = 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(() => {
    taken++;
    setImmediate(() => process.stdout.emit('drain'));
    return false;
  });
  const done = exportCommand(records).run({ db: 'unused', format: 'json', since: undefined });
  expect([taken, made < 2000]).toEqual([1, true]);
  await done;
  vi.restoreAllMocks();
  expect(made).toBe(100_000);
});
