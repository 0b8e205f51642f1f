// What a filter saves between requests of a database that was set aside, whatever becomes of the one that it goes to.
import {
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FullError, MovedError } from '../../../src/store/damage.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { compact } from '../../../src/store/rescue/replace.ts';
import { newSaving, type Saving } from '../../../src/store/rescue/saving.ts';
import { noteUnsaved, takeUnsaved } from '../../../src/store/rescue/unsaved.ts';
import { openFiles } from '../../support/files.ts';
import { useScratch } from '../../support/scratch.ts';
import { everything, putAtOnce } from '../filled.ts';
import { NO_LIMITS, storeAt } from '../opened.ts';

const TRIPLES = 6000;

const scratch = useScratch('of each');
let writer: Writer | undefined;
let saving: Saving;
let said: string[];
let reported: number;
const place = (name: string) => path.join(scratch.path, name);
const database = () => place('greylist.mdb');

/** A part of it is saved, as of a large one. */
beforeEach(() => {
  said = [];
  reported = 0;
  const damaged = openWriter(place('damaged'));
  putAtOnce(damaged, 0, TRIPLES);
  closeWriter(damaged);
  saving = newSaving({
    database: database(),
    writable: () => {
      writer ??= openWriter(database());
      return writer;
    },
    release,
    saved: () => void reported++,
    onDamage: (what) => said.push(what),
  });
  let up = 10;
  const clock = vi.spyOn(process, 'uptime').mockImplementation(() => {
    up += 0.5;
    return up;
  });
  saving.begin(place('damaged'), 'is damaged');
  clock.mockRestore();
  expect(said).toEqual([]);
});
afterEach(() => release());

/** As the keeper does. */
function release(): void {
  saving.stop();
  if (writer !== undefined) closeWriter(writer);
  writer = undefined;
}

const isOpen = (name: string) => openFiles().includes(place(name));

test.each([
  ['is compacted', () => compact(database(), () => {})],
  ['loses its lock file', () => unlinkSync(lockPath(database()))],
  ['is closed', release],
])('what is left is saved where the database %s meanwhile', (_, happens) => {
  happens();
  saving.finish();
  expect(everything(database())).toHaveLength(TRIPLES);
  expect(said).toEqual([expect.stringContaining(`; ${TRIPLES} records were saved from `)]);
});

test('what is left is saved between requests, a part at a time, and then nothing is left to do', async () => {
  const waits = () => process.getActiveResourcesInfo().includes('Immediate');
  const before = everything(database()).length;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(TRIPLES);
  expect(waits()).toBe(true);
  let turns = 0;
  while (said.length === 0) {
    await new Promise(setImmediate);
    turns++;
  }
  expect(turns).toBeGreaterThan(1);
  expect(said).toEqual([expect.stringContaining(`; ${TRIPLES} records were saved from `)]);
  expect(reported).toBe(1);
  expect(everything(database())).toHaveLength(TRIPLES);
  await new Promise(setImmediate);
  expect(waits()).toBe(false);
});

test('nobody waits longer where the clock is set back meanwhile', () => {
  saving.finish();
  const large = openWriter(place('large'));
  putAtOnce(large, 0, TRIPLES);
  closeWriter(large);
  said = [];
  let now = Date.now();
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now--);
  let up = 10;
  const uptime = vi.spyOn(process, 'uptime').mockImplementation(() => up++);
  saving.begin(place('large'), 'is damaged too');
  for (const spy of [clock, uptime]) spy.mockRestore();
  expect(said).toEqual([]);
  saving.finish();
});

test('what takes less than a second is saved at once, in however many parts', () => {
  saving.finish();
  const small = openWriter(place('small'));
  putAtOnce(small, 0, TRIPLES, 500);
  closeWriter(small);
  const clock = vi.spyOn(process, 'uptime').mockReturnValue(10);
  const setImmediate = vi.spyOn(globalThis, 'setImmediate');
  saving.begin(place('small'), 'is damaged too');
  expect(setImmediate).not.toHaveBeenCalled();
  for (const spy of [setImmediate, clock]) spy.mockRestore();
  expect(said.slice(1)).toEqual([
    expect.stringMatching(/is damaged too; it is now .*small; 0 records were saved from \d+ pages$/),
  ]);
  expect(reported).toBe(2);
});

test('of what is no file there is nothing to save', () => {
  saving.finish();
  mkdirSync(place('directory'));
  noteUnsaved(database(), place('directory'));
  saving.begin(place('directory'), 'is a directory');
  expect(said.slice(1)).toEqual([
    `${database()} is a directory; it is now ${place('directory')}; a new one was begun`,
  ]);
  expect(lstatSync(place('greylist.mdb.saving'), { throwIfNoEntry: false })).toBeUndefined();
});

describe('where the new database cannot be used', () => {
  let begun = 0;
  let released = 0;
  /** What is said where opening it fails so, once a part was saved. */
  function fail(error: Error): string[] {
    begun = released = 0;
    const messages: string[] = [];
    const failing = newSaving({
      database: database(),
      writable: () => {
        begun++;
        throw error;
      },
      release: () => {
        released++;
        failing.stop();
      },
      saved() {},
      onDamage: (what) => messages.push(what),
    });
    failing.begin(place('damaged'), 'is damaged');
    failing.finish();
    return messages;
  }
  const none = (message: string) =>
    `${database()} is damaged; it is now ${place('damaged')}; 0 records were saved from 0 pages, then: ${message}`;

  test('it is given up at once, and said why', () => {
    expect(fail(new FullError('no space'))).toEqual([none('no space')]);
    expect([begun, released]).toEqual([1, 0]);
  });

  test('because it moves again and again, it is given up in the end', () => {
    expect(fail(new MovedError('it was replaced'))).toEqual([none('it was replaced')]);
    expect(begun).toBeGreaterThan(5);
    expect(begun).toBeLessThan(100);
    expect(released).toBe(begun - 1);
  });
});

test('nothing stays open when the database is closed', () => {
  expect(isOpen('damaged')).toBe(true);
  release();
  expect(isOpen('damaged')).toBe(false);
});

test.each([
  [
    'nothing is there yet',
    () => {
      release();
      for (const name of readdirSync(scratch.path).filter((name) => name !== 'damaged'))
        rmSync(place(name), { recursive: true });
    },
  ],
  ['a part is saved', release],
])(
  'who opens the database goes on where another one was killed who saved what is in it: %s',
  (_, happens) => {
    happens();
    symlinkSync(`${2 ** 30} damaged`, place('greylist.mdb.saving'));
    const open = () => storeAt(database(), NO_LIMITS, (what) => void said.push(what));
    const store = open();
    store.look({ client: '192.0.2.1', sender: 'a', recipient: 'b' }, 5000);
    store.close();
    expect(everything(database())).toHaveLength(TRIPLES);
    expect(said).toEqual([
      expect.stringMatching(/was being saved by a process that is gone; .* records were saved/),
    ]);
    expect(lstatSync(place('greylist.mdb.saving'), { throwIfNoEntry: false })).toBeUndefined();
  },
);

test('after an hour somebody goes on, whatever process has the number of the one who saved', () => {
  symlinkSync(`${process.ppid} damaged`, place('greylist.mdb.saving'));
  lutimesSync(place('greylist.mdb.saving'), Date.now() / 1000 - 3590, Date.now() / 1000 - 3590);
  expect(takeUnsaved(database())).toBeUndefined();
  lutimesSync(place('greylist.mdb.saving'), Date.now() / 1000 - 3610, Date.now() / 1000 - 3610);
  expect(takeUnsaved(database())).toBe(place('damaged'));
  expect(readlinkSync(place('greylist.mdb.saving'))).toBe(`${process.pid} damaged`);
});

test.each([
  ['who lives', () => symlinkSync(`${process.ppid} damaged`, place('greylist.mdb.saving')), true],
  ['of what is not there', () => symlinkSync(`${2 ** 30} other`, place('greylist.mdb.saving')), false],
  ['that is rubbish', () => symlinkSync('x', place('greylist.mdb.saving')), false],
])('the sign of one %s makes nobody go on', (_, leave, stays) => {
  leave();
  expect(takeUnsaved(database())).toBeUndefined();
  expect(lstatSync(place('greylist.mdb.saving'), { throwIfNoEntry: false }) !== undefined).toBe(stays);
  expect(existsSync(place('damaged'))).toBe(true);
});
