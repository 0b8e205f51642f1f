// Keeps the database's file open and usable, and decides what is done when it was moved (opened again), when it is damaged
// (set aside), when LMDB's lock file is rubbish (replaced): see `mend`. Knows nothing of what is stored.
import { pause } from '../../time/pause.ts';
import { BadLockError, DamageError, MovedError, NotNowError, refused, StoreError } from '../damage.ts';
import { checkPlace } from '../disk/place.ts';
import { awaitRecovery } from '../disk/recovering.ts';
import { flush, flushLast, isUnsettled, keepOrGiveUp, letGo, owes } from '../lmdb/durable.ts';
import { newFlusher } from '../lmdb/flusher.ts';
import { openWriter } from '../lmdb/open.ts';
import { begin, transact } from '../lmdb/transaction.ts';
import { closeWriter, type Writer } from '../lmdb/writer.ts';
import { checkBeforeWriting, checkDoubtful } from '../pages/doubt.ts';
import { closeFile, type DataFile, isElsewhere, openFile } from '../pages/file.ts';
import type { Meta } from '../pages/format.ts';
import { readHead } from '../pages/head.ts';
import { isHeld } from '../pages/lock.ts';
import { isDoubtful, markedTxn, OF_NEWER } from '../pages/mark.ts';
import { newPath, type Path } from '../pages/tree.ts';
import { replaceLock, setAside } from '../rescue/recover.ts';
import { newSaving } from '../rescue/saving.ts';
import { takeUnsaved } from '../rescue/unsaved.ts';

export interface KeeperOptions {
  /** The database file. */
  path: string;
  /** 'always': on the disk before the reply; 'later': within three seconds or so. */
  sync: 'always' | 'later';
  /** Called once for each damage: what was found, where the file is now, what was saved. */
  onDamage: (what: string) => void;
  /** Called for a lock file that had to be replaced, and for a flush in the background that failed. */
  onTrouble: (error: Error) => void;
}

export interface Keeper {
  /**
   * Runs `work` until it has met a sound state: what changed under it is read again, a file that was moved is opened again, a
   * damaged one is set aside. Throws StoreError where the trouble is of another kind.
   */
  settle<T>(work: () => T): T;
  /**
   * The newest state, for look-ups; undefined while there is no file. Of the file that the path leads to, or led to within
   * the last second; with `sure`, at this moment. Within `settle`.
   */
  look(sure?: boolean): { path: Path; meta: Meta } | undefined;
  /** One write transaction (see `transact`), and afterwards what `sync` demands. Within `settle`. */
  change(work: (writer: Writer, meta: Meta) => boolean): void;
  /** Waits until all that this process has changed is on the disk. Within `settle`. */
  flush(): void;
  /** The last change had waited before it was made, so it is flushed now, in the background. Throws nothing. */
  hurry(): void;
  /** Whether a change would have to wait for another process's. Throws nothing. */
  isBusy(): boolean;
  /** Whether this process has made changes before: LMDB is loaded, and the file open for it. */
  isReady(): boolean;
  close(): void;
}

/** How often an open file is compared with what the path leads to, in milliseconds. */
const LOOK_AGAIN = 1000;
/** What looks wrong may be half written at that moment: how often to look again, before looking under the write lock. */
const SECOND_LOOKS = 3;
const MOST_TRIES = 20;

export function newKeeper(options: KeeperOptions): Keeper {
  const { path: database, sync, onDamage, onTrouble } = options;
  let path: Path | undefined;
  let writer: Writer | undefined;
  let lookedAt = 0;
  let examined = false;
  let held: Writer | undefined;
  const flusher = newFlusher(() => writer, flushFailed);
  const saving = newSaving({ database, writable, release, saved: flusher.committed, onDamage });

  function settle<T>(work: () => T): T {
    for (let tries = 0; ; tries++) {
      try {
        return tries < SECOND_LOOKS ? work() : underLock(work);
      } catch (error) {
        mend(error, tries);
        if (tries + 1 === MOST_TRIES)
          throw new StoreError(
            `${database} is found wrong again and again: ${(error as Error).message}; look at its disk`,
          );
      }
    }
  }

  /**
   * Runs `work` while nobody can change anything: what looks wrong then, is. (Look-ups hold no lock, and in a storm of commits
   * a page may be re-used for something else before it is read.)
   */
  function underLock<T>(work: () => T): T {
    const w = writable();
    begin(w);
    held = w;
    try {
      return work();
    } finally {
      dropHeld();
    }
  }

  function dropHeld(): void {
    held?.env.abortTxn();
    held = undefined;
  }

  /** Does what can be done about `error`, e.g. sets a damaged file aside, or throws it. */
  function mend(error: unknown, tries: number): void {
    if ((error instanceof DamageError || error instanceof BadLockError) && tries < SECOND_LOOKS) {
      pause(tries * 3);
      if (path !== undefined) path.txnid = -1; // everything is read again
      return;
    }
    if (error instanceof NotNowError) throw error;
    // If it cannot be opened for changes, what is open for look-ups stays open: it might not open again.
    if (error instanceof StoreError && writer === undefined) throw error;
    const ino = path?.file.ino;
    release();
    if (error instanceof DamageError)
      setAside(database, ino, error.message, (aside) => saving.begin(aside, error.message));
    else if (error instanceof BadLockError) {
      replaceLock(database, error.ino);
      onTrouble(new Error(`${error.message}; it was replaced by a new one, the database is as it was`));
    } else if (error instanceof StoreError) throw error;
    else if (!(error instanceof MovedError)) throw refused(error, database, 'use');
  }

  function look(sure = false) {
    const file = openForLook(sure);
    if (file === undefined) return undefined;
    const meta = readHead(file);
    if (writer !== undefined) letGo(writer, meta);
    return { path: path!, meta };
  }

  function openForLook(sure: boolean): DataFile | undefined {
    const now = Date.now();
    if (path !== undefined && (sure || Math.abs(now - lookedAt) >= LOOK_AGAIN)) {
      lookedAt = now;
      if (isElsewhere(path.file)) release();
    }
    if (path === undefined) {
      checkPlace(database);
      goOnSaving(); // may open it
    }
    if (path === undefined) {
      let file = openFile(database);
      if (file === undefined) {
        // Another process may be setting it aside at this moment, or have just put a new one there.
        awaitRecovery(database);
        file = openFile(database);
      }
      if (file === undefined) return undefined;
      path = newPath(file);
      examined = false;
      lookedAt = now;
    }
    if (!examined) examine(path.file);
    examined = true;
    return path.file;
  }

  /** Saves what another process was saving when it was killed. */
  function goOnSaving(): void {
    const aside = takeUnsaved(database);
    if (aside !== undefined) saving.begin(aside, 'was being saved by a process that is gone');
  }

  /** Looks at a file that was just opened: after a power cut it goes back to its mark, or is checked as a whole. */
  function examine(file: DataFile): void {
    checkDoubtful(file);
    if (isDoubtful(file, readHead(file)) || markedTxn(file) === OF_NEWER) writable(); // settles it, or refuses
  }

  function writable(): Writer {
    if (writer === undefined) {
      checkPlace(database);
      // Opening it for changes settles a doubt, so what was not examined has to be checked first.
      if (path === undefined || !examined) checkBeforeWriting(database);
      writer = openWriter(database);
      if (path !== undefined) closeFile(path.file);
      path = writer.path; // shared: what a look-up has just read and checked, a change need not read again
    }
    return writer;
  }

  function change(work: (writer: Writer, meta: Meta) => boolean): void {
    dropHeld();
    const w = writable();
    const meta = transact(w, (state) => {
      letGo(w, state);
      return work(w, state);
    });
    // With 'always' also where there was nothing to commit: another process has, and may still be waiting for the disk.
    if (sync === 'always') flush(w);
    else keepOrGiveUp(w, meta);
    if (isUnsettled(w)) flusher.committed();
  }

  function isBusy(): boolean {
    try {
      return writer !== undefined && isHeld(writer.lock);
    } catch {
      return false; // the change will meet what is wrong
    }
  }

  function flushFailed(error: unknown): void {
    // A full disk, a stopped process that has the lock, or more slow flushes at once than there are reader's slots: it is enough
    // to try again.
    if (error instanceof NotNowError || /MDB_READERS_FULL/.test((error as Error).message)) {
      flusher.committed();
      return;
    }
    release(); // the next request opens it again, and deals with the trouble
    if (error instanceof MovedError || error instanceof DamageError || error instanceof BadLockError) return;
    onTrouble(error instanceof StoreError ? error : refused(error, database, 'flush'));
  }

  function release(): void {
    dropHeld();
    saving.stop();
    flusher.stop();
    if (writer !== undefined) closeWriter(writer);
    else if (path !== undefined) closeFile(path.file);
    path = undefined;
    writer = undefined;
  }

  /**
   * At the end: `flush` does most of the disk's work while others may go on, so that `flushLast` holds the lock for
   * little.
   */
  function leave(w: Writer): void {
    try {
      flush(w);
    } catch {
      // there was no reader's slot for it, say
    }
    flushLast(w);
  }

  function close(): void {
    try {
      saving.finish();
      if (writer !== undefined && owes(writer)) leave(writer);
    } catch (error) {
      if (error instanceof StoreError) onTrouble(error);
    }
    release();
  }

  return {
    settle,
    look,
    change,
    flush: () => flush(writable()),
    hurry: flusher.hurry,
    isBusy,
    isReady: () => writer !== undefined,
    close,
  };
}
