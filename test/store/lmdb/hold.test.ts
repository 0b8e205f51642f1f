// Reader's slots of whoever reads a state while others write.
import fs, { copyFileSync, renameSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openEditor } from '../../../src/store/admin/edit.ts';
import { slotsOf } from '../../../src/store/lmdb/hold.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { makeScratch } from '../../support/scratch.ts';
import { fill } from '../filled.ts';
import { statesHeld } from './slots.ts';

let scratch: ReturnType<typeof makeScratch>;
let place: string;
beforeEach(() => {
  scratch = makeScratch();
  place = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(place);
  fill(editor, 0, 100);
  editor.close();
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  scratch.remove();
});

const held = () => statesHeld(place);

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
  release();
  slots.close();
});
