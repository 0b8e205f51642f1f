// What a filter saves between requests of a database that was set aside, whatever becomes of the one that it goes to.
import {
  existsSync,
  lstatSync,
  lutimesSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openStore } from '../../../src/store/embedded/embedded.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, type Writer } from '../../../src/store/lmdb/writer.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { compact } from '../../../src/store/rescue/replace.ts';
import { newSaving, type Saving } from '../../../src/store/rescue/saving.ts';
import { takeUnsaved } from '../../../src/store/rescue/unsaved.ts';
import { makeScratch } from '../../support/scratch.ts';
import { everything, putAtOnce } from '../filled.ts';

const TRIPLES = 6000;

let scratch: ReturnType<typeof makeScratch>;
let writer: Writer | undefined;
let saving: Saving;
let said: string[];
const place = (name: string) => path.join(scratch.path, name);
const database = () => place('greylist.mdb');

/** A part of it is saved, as of a large one. */
beforeEach(() => {
  scratch = makeScratch();
  said = [];
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
    saved() {},
    onDamage: (what) => said.push(what),
  });
  let now = Date.now();
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => {
    now += 500;
    return now;
  });
  saving.begin(place('damaged'), 'is damaged');
  clock.mockRestore();
  expect(said).toEqual([]);
});
afterEach(() => {
  release();
  scratch.remove();
});

/** As the keeper does. */
function release(): void {
  saving.stop();
  if (writer !== undefined) closeWriter(writer);
  writer = undefined;
}

function isOpen(name: string): boolean {
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return open.includes(place(name));
}

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
    const limits = { retryWindow: 0, maxAge: 0, maxWaiting: 0 };
    const onTrouble = (error: Error) => void said.push(error.message);
    const open = () =>
      openStore({
        path: database(),
        sync: 'later',
        limits,
        onDamage: (what) => said.push(what),
        onTrouble,
        onFull: (what) => said.push(what),
      });
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
