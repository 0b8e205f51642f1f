// The engine's values: every record is written and read back as it was.
import { expect, test } from 'vitest';
import type { Entry } from '../../../src/store/admin/entry.ts';
import { clientKey, tripleKey } from '../../../src/store/fleet/key.ts';
import { readEntry, writeEntry } from '../../../src/store/fleet/value.ts';

test('records are written and read back; what is not ours is none', () => {
  const triple: Entry = {
    kind: 'triple',
    client: '192.0.2.1',
    sender: 'a@x',
    recipient: 'b@x',
    firstSeen: 1_700_000_000,
    passed: true,
    lastPassed: 1_700_086_400,
    wait: 301,
    deferrals: 3,
    offsets: [0, 60],
  };
  const client: Entry = { kind: 'client', client: '192.0.2.1', comeBacks: 12, lastSeen: 1_700_000_000 };
  for (const entry of [triple, client]) {
    const key = entry.kind === 'client' ? clientKey(entry.client) : tripleKey(entry);
    const value = writeEntry(entry);
    const read = readEntry(key, value);
    expect({ ...read, offsets: undefined }).toEqual({ ...entry, offsets: undefined });
    expect(readEntry(key, Buffer.from('another value'))).toBeUndefined();
    expect(readEntry(Buffer.from('another:key'), value)).toBeUndefined();
  }
});
