// greylatch export: what it asks of the store, and that it keeps what it is given to the pace of the reader.
import { expect, test, vi } from 'vitest';
import { exportCommand } from '../../src/admin/export.ts';
import type { Imported } from '../../src/admin/import/record.ts';
import type { Records } from '../../src/admin/records.ts';
import { NOWHERE, watch } from './watch.ts';

test('export --since asks for what was seen from then on', async () => {
  let asked = -1;
  async function* records(_: Records, since: number) {
    asked = since;
    yield [];
  }
  await watch(() => exportCommand(records).run({ ...NOWHERE, format: 'json', since: undefined }));
  expect(asked).toBe(0);
  const before = Math.floor(Date.now() / 1000);
  await watch(() => exportCommand(records).run({ ...NOWHERE, format: 'json', since: 3600 }));
  expect(asked).toBeGreaterThanOrEqual(before - 3600);
  expect(asked).toBeLessThanOrEqual(Math.floor(Date.now() / 1000) - 3600);
});

test.each([
  ['a terminal shows', true, '\\x1b[8m\\x9b\\x0aa\xe4@example.org'],
  ['a file has', false, '"\x1b[8m\x9b\na\xe4@example.org"'],
])(
  'control characters in an address, which a terminal would obey, as %s them in CSV',
  async (_, isTTY, sender) => {
    const triple = {
      client: '192.0.2.1',
      sender: '\x1b[8m\x9b\na\xe4@example.org',
      recipient: 'b@example.org',
    };
    async function* records() {
      yield [{ kind: 'triple', ...triple, firstSeen: 1, lastSeen: 1, passed: false, origin: '' } as const];
    }
    const before = process.stdout.isTTY;
    process.stdout.isTTY = isTTY;
    const { output } = await watch(() =>
      exportCommand(records).run({ ...NOWHERE, format: 'csv', since: undefined }),
    );
    process.stdout.isTTY = before;
    expect(output).toContain(sender);
  },
);

test('what nobody takes is not made', async () => {
  let made = 0;
  function* all(): Generator<Imported> {
    for (; made < 100_000; made++) {
      yield { kind: 'client', client: '192.0.2.1', comeBacks: made, lastSeen: 1_764_000_000, origin: '' };
    }
  }
  async function* records() {
    yield all();
  }
  const takeAll = () => setImmediate(() => process.stdout.emit('drain'));
  const first = new Promise<void>((resolve) => {
    vi.spyOn(process.stdout, 'write').mockImplementation(() => {
      vi.spyOn(process.stdout, 'write').mockImplementation(() => {
        takeAll();
        return false;
      });
      resolve();
      return false;
    });
  });
  const done = exportCommand(records).run({ ...NOWHERE, format: 'json', since: undefined });
  await first;
  await new Promise(setImmediate); // whatever it would do without being allowed to
  expect(made).toBeLessThan(2000);
  takeAll();
  await done;
  vi.restoreAllMocks();
  expect(made).toBe(100_000);
});
