// Reads a whole database and judges it: every page of the newest state, every record, and what all other pages are for.
// Changes nothing, and reads only into memory of its own, so that no damage can kill it and no filter waits for it.
import { fstatSync } from 'node:fs';
import { pause } from '../../time/pause.ts';
import { DamageError } from '../damage.ts';
import { isHouse, readKey } from '../records/key.ts';
import { hasPassed } from '../records/record.ts';
import { closeFile, type DataFile, openFile } from './file.ts';
import { BRANCH, keyOf, keysOn, LEAF, type Meta, nodeAt, nodeChild, nodeData, nodeFlags } from './format.ts';
import { checkFreeList } from './freelist.ts';
import { readHead } from './head.ts';
import { holdsRecord } from './leaves.ts';
import { wrongWithPage } from './page.ts';

export interface Verified {
  problems: Problem[];
  /** Triples that have not passed yet, and those that have. */
  waiting: number;
  passed: number;
  /** Clients with come-backs. */
  clients: number;
  /** Pages of `pageSize` bytes: branches, leaves (which hold records), free ones, and those that nothing accounts for. */
  branches: number;
  leaves: number;
  free: number;
  lost: number;
  pageSize: number;
  /** Bytes of the file. */
  size: number;
}

export interface Problem {
  /** The page; undefined for the file as a whole. */
  page: number | undefined;
  what: string;
}

/** Called now and then with how much has been read, from 0 to 1. */
type Progress = (part: number) => void;

/** A database that is written to at every moment may need a second reading, or a third. */
const MOST_READINGS = 6;

/**
 * Judges the database at `path`; undefined: there is none. Throws what `openFile` throws where it cannot be read. `hold` may
 * hold the newest state while it is read, and returns what gives it up.
 */
export function verify(
  path: string,
  progress: Progress,
  hold: (path: string) => () => void = () => () => {},
): Verified | undefined {
  let suspects: Problem[] = [];
  for (let reading = 1; ; reading++) {
    const verdict = readOnce(path, progress, hold);
    if (verdict === undefined || verdict.problems.length === 0) return verdict;
    // Pages that filters re-use while we read look wrong, but others do the next time. What is damaged is wrong again.
    const again = verdict.problems.filter(({ page, what }) =>
      suspects.some((s) => s.page === page && s.what === what),
    );
    if (again.length > 0 || reading === MOST_READINGS)
      return { ...verdict, problems: again.length > 0 ? again : verdict.problems };
    suspects = verdict.problems;
    pause(20);
  }
}

/** The first thing that is wrong with the database at `path`, in words; undefined: nothing is, or there is none. */
export function firstProblem(path: string): string | undefined {
  const problem = verify(path, () => {})?.problems[0];
  if (problem === undefined) return undefined;
  return problem.page === undefined ? problem.what : `page ${problem.page} ${problem.what}`;
}

function readOnce(
  path: string,
  progress: Progress,
  hold: (path: string) => () => void,
): Verified | undefined {
  let file: DataFile | undefined;
  let release = () => {};
  try {
    file = openFile(path);
    if (file === undefined) return undefined;
    release = hold(path);
    return readAll(file, readHead(file), progress);
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    return { ...nothing(file), problems: [{ page: undefined, what: error.message }] };
  } finally {
    release();
    if (file !== undefined) closeFile(file);
  }
}

function nothing(file: DataFile | undefined): Verified {
  const size = file === undefined ? 0 : fstatSync(file.fd).size;
  const pageSize = file?.pageSize ?? 0;
  return {
    problems: [],
    waiting: 0,
    passed: 0,
    clients: 0,
    branches: 0,
    leaves: 0,
    free: 0,
    lost: 0,
    pageSize,
    size,
  };
}

interface Walk {
  file: DataFile;
  meta: Meta;
  verdict: Verified;
  /** One byte a page: 1 where something has accounted for it. */
  seen: Uint8Array;
  seenCount: number;
  records: number;
  /** The key of the last record, to check that keys rise. */
  lastKey: Buffer;
  /** The key that has led from the branch `page` to the next leaf. */
  led: { key: Buffer; page: number } | undefined;
  progress: Progress;
}

function readAll(file: DataFile, meta: Meta, progress: Progress): Verified {
  const verdict = nothing(file);
  const walk: Walk = {
    file,
    meta,
    verdict,
    seen: new Uint8Array(meta.lastPage + 1),
    seenCount: 0,
    records: 0,
    lastKey: Buffer.alloc(0),
    led: undefined,
    progress,
  };
  account(walk, 0);
  account(walk, 1);
  if (meta.main.depth > 0) readBelow(walk, meta.main.root, meta.main.depth);
  if (verdict.problems.length === 0 && walk.records !== meta.main.entries) {
    complain(walk, undefined, `holds ${walk.records} records, and says it holds ${meta.main.entries}`);
  }
  try {
    checkFreeList(file, meta, Buffer.allocUnsafeSlow(16 * file.pageSize), (page, isList) => {
      if (account(walk, page) && !isList) verdict.free++;
    });
  } catch (error) {
    complain(walk, undefined, (error as Error).message);
  }
  verdict.lost = meta.lastPage + 1 - walk.seenCount;
  return verdict;
}

function complain(walk: Walk, page: number | undefined, what: string): void {
  walk.verdict.problems.push({ page, what });
}

/** Notes that the page is accounted for. Returns false, and complains, where it was before. */
function account(walk: Walk, page: number): boolean {
  if (walk.seen[page] === 1) {
    complain(walk, page, 'is used twice');
    return false;
  }
  walk.seen[page] = 1;
  if (++walk.seenCount % 1024 === 0) walk.progress(walk.seenCount / walk.seen.length);
  return true;
}

function readBelow(walk: Walk, number: number, depth: number): void {
  const { file, meta, verdict } = walk;
  const isThere = number >= 2 && number <= meta.lastPage;
  if (isThere && !account(walk, number)) return;
  const page = Buffer.allocUnsafe(file.pageSize);
  const kind = depth > 1 ? BRANCH : LEAF;
  const wrong = wrongWithPage(file, number, page, kind, meta);
  if (wrong !== '') {
    complain(walk, number, wrong);
    return;
  }
  if (kind === LEAF) readLeaf(walk, number, page);
  else {
    verdict.branches++;
    for (let i = 0; i < keysOn(page, 0); i++) {
      const node = nodeAt(page, 0, i);
      if (i > 0) walk.led = { key: keyOf(page, node), page: number };
      if (i > 0 && Buffer.compare(walk.lastKey, walk.led!.key) >= 0) complainOfWay(walk);
      readBelow(walk, nodeChild(page, node), depth - 1);
    }
  }
}

/** Look-ups miss a record that lies on the other side of a branch's key. */
function complainOfWay(walk: Walk): void {
  complain(walk, walk.led!.page, 'does not lead to all records below it');
  walk.led = undefined;
}

function readLeaf(walk: Walk, number: number, page: Buffer): void {
  const { verdict } = walk;
  verdict.leaves++;
  for (let i = 0; i < keysOn(page, 0); i++) {
    const node = nodeAt(page, 0, i);
    const data = nodeData(page, node);
    const key = keyOf(page, node);
    walk.records++;
    if (walk.led !== undefined && Buffer.compare(walk.led.key, key) > 0) complainOfWay(walk);
    walk.led = undefined;
    if (Buffer.compare(walk.lastKey, key) >= 0) complain(walk, number, 'has records out of order');
    walk.lastKey = key;
    const whole = nodeFlags(page, node) === 0 && holdsRecord(page, node);
    if (whole && isHouse(key)) continue;
    const read = whole ? readKey(key) : undefined;
    if (read === undefined) complain(walk, number, 'has a damaged record');
    else if (read.tail === undefined) verdict.clients++;
    else if (hasPassed(page, data)) verdict.passed++;
    else verdict.waiting++;
  }
}
