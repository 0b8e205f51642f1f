// One process recovers a database at a time, the others wait for it, and what a dead one has left holds up nobody.
import fs, {
  existsSync,
  lstatSync,
  lutimesSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { alone, awaitRecovery } from '../../../src/store/disk/recovering.ts';
import { pause } from '../../../src/time/pause.ts';
import { useScratch } from '../../support/scratch.ts';
import { unmock } from '../../support/unmock.ts';

vi.mock('../../../src/time/pause.ts', { spy: true });

const scratch = useScratch('of each');
const place = () => path.join(scratch.path, 'greylist.mdb');
const sign = () => `${place()}.recovering`;
afterEach(unmock);

/** Others are waited for in no time; returns how long it would have been, in milliseconds. */
function hurry(meanwhile = () => {}): () => number {
  vi.mocked(pause).mockReset().mockImplementation(meanwhile);
  return () => vi.mocked(pause).mock.calls.reduce((sum, [ms]) => sum + ms, 0);
}

/** Whether the work was done. */
function recover(): boolean {
  let done = false;
  alone(place(), () => {
    done = true;
  });
  return done;
}

test('while another process recovers, one waits, and leaves it to that one; that it takes long is told', () => {
  symlinkSync(String(process.ppid), sign());
  const waited = hurry();
  expect(recover).toThrow(/is being recovered by another process, which takes long/);
  expect(waited()).toBeGreaterThan(1000);
  expect(readdirSync(scratch.path)).toEqual(['greylist.mdb.recovering']);
});

test.each<[string, () => void]>([
  ['a process that is gone', () => symlinkSync(String(2 ** 30), sign())],
  ['nobody', () => symlinkSync('0', sign())],
  [
    'one long ago, whose number another process bears now',
    () => {
      symlinkSync(String(process.ppid), sign());
      lutimesSync(sign(), Date.now() / 1000 - 61, Date.now() / 1000 - 61);
    },
  ],
  [
    'one of tomorrow, from before the clock was set',
    () => {
      symlinkSync(String(process.ppid), sign());
      lutimesSync(sign(), Date.now() / 1000 + 86_400, Date.now() / 1000 + 86_400);
    },
  ],
])('the sign of %s holds up nobody', (_, leave) => {
  leave();
  awaitRecovery(place());
  expect(existsSync(sign())).toBe(false);
  leave();
  expect(recover()).toBe(true);
  expect(lstatSync(sign(), { throwIfNoEntry: false })).toBeUndefined();
});

test('of two that find the sign of one that is gone, the second does not take away the sign of the first', () => {
  symlinkSync(String(2 ** 30), sign());
  const { renameSync } = fs;
  vi.spyOn(fs, 'renameSync').mockImplementationOnce((from, to) => {
    rmSync(sign());
    symlinkSync(String(process.ppid), sign()); // at this moment
    renameSync(from, to);
  });
  syncBuiltinESMExports();
  hurry();
  expect(recover).toThrow(/is being recovered by another process/);
  expect(readlinkSync(sign())).toBe(String(process.ppid));
  expect(readdirSync(scratch.path)).toEqual(['greylist.mdb.recovering']);
});

test('whoever opens the database waits until the other one is done', () => {
  symlinkSync(String(process.ppid), sign());
  let pauses = 0;
  hurry(() => {
    if (++pauses === 3) rmSync(sign());
  });
  awaitRecovery(place());
  expect(pauses).toBe(3);
});

test('whoever recovers does not wait for itself', () => {
  alone(place(), () => {
    vi.mocked(pause).mockClear();
    awaitRecovery(place());
    expect(pause).not.toHaveBeenCalled(); // others wait for 1.5 seconds
    expect(lstatSync(sign()).isSymbolicLink()).toBe(true);
  });
});
