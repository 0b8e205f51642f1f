// Reader's slots of whoever reads a state while others write.
import fs, {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  type StatsFs,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { hold, slotsOf } from '../../../src/store/lmdb/hold.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { openFiles } from '../../support/files.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';
import { fill } from '../filled.ts';
import { leaveUnfinished } from '../unfinished.ts';
import { statesHeld } from './slots.ts';

const scratch = useScratch('of each');
let place: string;
beforeEach(() => {
  place = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(place);
  fill(editor, 0, 100);
  editor.close();
});
afterEach(unmock);

const held = () => statesHeld(place);

/** What this process has open of the database, also of files that were replaced. */
const opened = () => openFiles().filter((name) => name.startsWith(place));

/** Another file in its place, as compact leaves it. */
function replaceLock(): void {
  copyFileSync(lockPath(place), `${place}.other`);
  renameSync(`${place}.other`, lockPath(place));
}

test('a state is held until it is given back', () => {
  const slots = slotsOf(place);
  const release = slots.hold();
  expect(held()).toBe(1);
  release();
  expect(held()).toBe(0);
  slots.close();
  slots.close();
  slots.hold()(); // comes to nothing
  expect([held(), opened()]).toEqual([0, []]);
});

test('one state alone, as well', () => {
  const release = hold(place);
  expect(held()).toBe(1);
  release();
  expect([held(), opened()]).toEqual([0, []]);
});

test('on a full disk of btrfs it is given back once there is space again, for that is written to the lock file', () => {
  let free = 1e6; // blocks
  const { statfsSync } = fs;
  vi.spyOn(fs, 'statfsSync').mockImplementation(
    (name) => ({ ...statfsSync(name), type: 0x9123683e, bavail: free }) as StatsFs,
  );
  syncBuiltinESMExports();
  const slots = slotsOf(place);
  const release = slots.hold();
  free = 0;
  release();
  expect(held()).toBe(1);
  free = 1e6;
  slots.close();
  expect([held(), opened()]).toEqual([0, []]);
});

test('where nobody writes to the database nothing is held, and no lock file made', () => {
  unlinkSync(lockPath(place));
  hold(place)();
  expect([existsSync(lockPath(place)), opened()]).toEqual([false, []]);
});

test('what a power cut has left unfinished, with nothing to go back to, is not vouched for', () => {
  const bytes = leaveUnfinished(place);
  hold(place)();
  expect(readFileSync(place).equals(bytes)).toBe(true);
});

test('should the database be replaced while it is opened, it is opened again', () => {
  const { statSync } = fs;
  let looks = 0;
  vi.spyOn(fs, 'statSync').mockImplementation(((file: string, options: object) => {
    const found = statSync(file, options);
    // The second look is the last one before LMDB opens it.
    if (file === lockPath(place) && ++looks === 2) replaceLock();
    return found;
  }) as typeof statSync);
  syncBuiltinESMExports();
  const slots = slotsOf(place);
  const release = slots.hold();
  expect(looks).toBeGreaterThan(2);
  expect(held()).toBe(1);
  release();
  slots.close();
});

test('should it be replaced later, the next state that is held is one of the new file', () => {
  const slots = slotsOf(place);
  replaceLock();
  copyFileSync(place, `${place}.other`);
  renameSync(`${place}.other`, place);
  const release = slots.hold();
  expect(held()).toBe(1);
  expect(opened().filter((name) => name.endsWith('(deleted)'))).toEqual([]);
  release();
  slots.close();
});

test('should the lock file look wrong, as while it is being replaced, the database is opened again', () => {
  const slots = slotsOf(place);
  writeFileSync(lockPath(place), 'rubbish!', { flag: 'r+' });
  const release = slots.hold();
  expect(held()).toBe(1);
  release();
  slots.close();
});
