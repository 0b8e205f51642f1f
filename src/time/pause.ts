// Waiting without the event loop, for the rare moments when another process must be given time.
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Stops this process for `ms` milliseconds. */
export function pause(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}
