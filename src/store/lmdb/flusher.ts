// When this process looks after the disk: behind the replies, and seldom, for each time wakes it. How a commit gets to the
// disk is durable.ts's business; this is the clock.

import { monotonic } from '../../time/monotonic.ts';
import { readHead } from '../pages/file.ts';
import { flushBehind, holds, isFlushDue, isUnsettled, letGo } from './durable.ts';
import type { Writer } from './writer.ts';

export interface Flusher {
  /** To be told of each commit: it reaches the disk within two seconds or so. */
  committed(): void;
  /** What was committed has waited before: it is flushed now, unless this process looked after the disk a moment ago. */
  hurry(): void;
  stop(): void;
}

/** How long a commit waits for its flush, in milliseconds. One flush a second serves all processes. */
const FLUSH_AFTER = 1000;
/**
 * How soon a state that a storm has overtaken is let go by a process that nobody asks, in milliseconds: the file grows by
 * what is held, some 40 MB a second at full speed. Each look wakes the process, which takes 0.1 to 0.2 ms of a processor:
 * while nobody commits, and nothing is on its way to the disk, there are fewer.
 */
const LOOK_AGAIN = { storm: 50, calm: 250 };

/** `writer`: what is open now, if anything is. `failed`: told of each error; nothing is tried again by itself. */
export function newFlusher(writer: () => Writer | undefined, failed: (error: unknown) => void): Flusher {
  let timer: NodeJS.Timeout | undefined;
  let flushAt = 0;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let newest = 0; // the state that was the newest at the last look

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

  /** Returns after what time to look again. */
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
    if (isUnsettled(w)) committed(); // also while the flush is under way: a storm may overtake it
  }

  function flushed(error?: unknown): void {
    const w = writer();
    if (error !== undefined && error !== null) failed(error);
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
