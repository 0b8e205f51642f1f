// greylatch purge: what each window takes, what is looked at again, and releases that are over.
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { purgeCommand } from '../../src/admin/purge.ts';
import { changeReleases } from '../../src/admin/releases.ts';
import { type Editor, openEditor } from '../../src/store/admin/edit.ts';
import type { Entry } from '../../src/store/admin/entry.ts';
import { scan } from '../../src/store/admin/scan.ts';
import { RELEASES, type Release, readReleases } from '../../src/store/releases.ts';
import { useScratch } from '../support/scratch.ts';
import { fill, triple } from './report/made.ts';
import { NOWHERE, watch } from './watch.ts';

/** What happens when a purge has read the records, before it forgets any. */
let meanwhile: (editor: Editor) => void = () => {};
vi.mock(import('../../src/store/admin/edit.ts'), async (original) => {
  const { openEditor } = await original();
  return {
    openEditor(path) {
      const editor = openEditor(path);
      return {
        ...editor,
        change(changes) {
          meanwhile(editor);
          return editor.change(changes);
        },
      };
    },
  };
});

const HOUR = 3600;
const DAY = 24 * HOUR;
const scratch = useScratch('of each');
const db = () => path.join(scratch.path, 'greylist.mdb');
let now = 0;
beforeEach(() => {
  now = Math.floor(Date.now() / 1000);
});
afterEach(() => {
  meanwhile = () => {};
});

const waiting = (sender: string, age: number) => triple({ sender, firstSeen: now - age });
const passed = (sender: string, age: number): Entry =>
  triple({ sender, firstSeen: now - 90 * DAY, passed: true, lastPassed: now - age, wait: 300 });
const client = (name: string, age: number): Entry => ({
  kind: 'client',
  client: name,
  comeBacks: 3,
  lastSeen: now - age,
});

const purge = (retryWindow: number, maxAge: number, json = true) =>
  watch(() =>
    purgeCommand.run({ ...NOWHERE, db: db(), 'retry-window': retryWindow, 'max-age': maxAge, json }),
  );
const left = () =>
  [...scan(db())!.entries].map((entry) => (entry.kind === 'client' ? entry.client : entry.sender)).sort();

test.each([
  ['--retry-window is for what waits', 2 * HOUR, 0, ['192.0.2.8', '192.0.2.9', 'gone', 'here', 'young'], 1],
  ['--max-age for what passed, and for clients', 0, 10 * DAY, ['192.0.2.8', 'here', 'old', 'young'], 2],
  ['with both, both', 2 * HOUR, 10 * DAY, ['192.0.2.8', 'here', 'young'], 3],
  ['0 is never', 0, 0, ['192.0.2.8', '192.0.2.9', 'gone', 'here', 'old', 'young'], 0],
])('%s', async (_, retryWindow, maxAge, stays, count) => {
  fill(db(), [
    waiting('old', 3 * HOUR),
    waiting('young', HOUR),
    passed('gone', 20 * DAY),
    passed('here', 5 * DAY),
    client('192.0.2.9', 20 * DAY),
    client('192.0.2.8', 5 * DAY),
  ]);
  const { status, output } = await purge(retryWindow, maxAge);
  expect(status).toBe(0);
  expect(JSON.parse(output)).toEqual({ records: count });
  expect(left()).toEqual(stays);
  expect((await purge(retryWindow, maxAge, false)).output).toBe('0 expired records forgotten\n');
});

test('what has come back since it was read stays, and is not counted', async () => {
  fill(db(), [waiting('old', 3 * HOUR), waiting('back', 3 * HOUR)]);
  meanwhile = (editor) => {
    const back = passed('back', 0);
    editor.change([{ name: triple({ sender: 'back' }), change: () => back }]);
  };
  const { output } = await purge(2 * HOUR, DAY);
  expect(JSON.parse(output)).toEqual({ records: 1 });
  expect(left()).toEqual(['back']);
});

test('releases that are over are taken off, those in force stay', async () => {
  const inForce: Release = { sender: '@example.org', until: now + HOUR };
  const editor = openEditor(db());
  await changeReleases(editor, () => [{ client: '192.0.2.1', until: now - HOUR }, inForce]);
  editor.close();
  await purge(2 * HOUR, DAY);
  let releases: Release[] = [];
  const house = (name: string, text: string) => {
    if (name === RELEASES) releases = readReleases(text);
  };
  expect([...scan(db(), () => {}, house)!.entries]).toEqual([]);
  expect(releases).toEqual([inForce]);
});
