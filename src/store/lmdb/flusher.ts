// The timer that looks after the disk, in the background, and seldom, for each look wakes the process. How a commit gets to
// the disk, durable.ts knows.
import { monotonic } from '../../time/monotonic.ts';
import { readHead } from '../pages/head.ts';
import { flushBehind, isFlushDue, isUnsettled, letGo } from './durable.ts';
import { holds } from './pin.ts';
import type { Writer } from './writer.ts';

export interface Flusher {
  /** To be called after each commit: it reaches the disk within two seconds or so. */
  committed(): void;
  /** Flushes now, for what was committed had waited before; not if this process looked after the disk a moment ago. */
  hurry(): void;
  stop(): void;
}

/** How long a commit waits for its flush, in milliseconds. One flush a second serves all processes. */
const FLUSH_AFTER = 1000;
/**
 * How soon a process without requests gives up a state that a storm has overtaken, in milliseconds: until then the file grows,
 * by some 40 MB a second at full speed. Each look wakes the process, which takes 0.1 to 0.2 ms of processor time, so there are
 * fewer looks while nobody commits and no flush is under way.
 */
const LOOK_AGAIN = { storm: 50, calm: 250 };

/** `writer` returns what is open now, if anything is. `failed` is called with each error; nothing is tried again by itself. */
export function newFlusher(writer: () => Writer | undefined, failed: (error: unknown) => void): Flusher {
  let timer: NodeJS.Timeout | undefined;
  let flushAt = 0;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let newest = 0; // the newest state at the last look

  function committed(): void {
    if (timer !== undefined) return;
    const w = writer();
    newest = Math.max(w?.committed ?? 0, w?.file.newest?.txnid ?? 0);
    flushAt = monotonic() + FLUSH_AFTER;
    lookIn(w?.flushing === undefined ? LOOK_AGAIN.calm : LOOK_AGAIN.storm);
  }

  function lookIn(time: number): void {
    timer = setTimeout(look, Math.min(time, flushAt - monotonic())).unref();
  }

  function look(): void {
    timer = undefined;
    const w = writer();
    if (w === undefined) return;
    try {
      if (monotonic() >= flushAt) check(w);
      else lookIn(letGoInTime(w));
    } catch (error) {
      failed(error);
    }
  }

  /** Returns after how many milliseconds to look again. */
  function letGoInTime(w: Writer): number {
    if (!holds(w)) return LOOK_AGAIN.calm;
    const meta = readHead(w.file);
    letGo(w, meta);
    const calm = meta.txnid === newest && w.flushing === undefined;
    newest = meta.txnid;
    return calm ? LOOK_AGAIN.calm : LOOK_AGAIN.storm;
  }

  function check(w: Writer): void {
    checkedAt = monotonic();
    if (isFlushDue(w)) flushBehind(w, flushed);
    if (isUnsettled(w)) committed(); // looks also while the flush is under way: a storm may overtake it
  }

  function flushed(error?: unknown): void {
    const w = writer();
    if (error !== undefined) failed(error);
    else if (w !== undefined && isUnsettled(w)) committed();
    else stop();
  }

  function hurry(): void {
    const w = writer();
    if (w === undefined || monotonic() - checkedAt < FLUSH_AFTER) return;
    stop();
    try {
      check(w);
    } catch (error) {
      failed(error);
    }
  }

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  return { committed, hurry, stop };
}
