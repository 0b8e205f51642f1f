// What this process has appended to the queue, until it is known to be in the database. As bytes, not as objects: V8 moves
// objects that live for a second to its space for old ones, which it clears only when the process has been idle for a while.

export interface Own {
  isEmpty(): boolean;
  /** The first `size` bytes of `entry`, appended at `at`. */
  add(entry: Buffer, size: number, at: number): void;
  /**
   * When the oldest entry that still waits was appended; undefined: none waits. Entries before it are dropped. Where one
   * `waits`, all younger ones must.
   */
  oldest(waits: (entry: Buffer) => boolean): number | undefined;
  /** All entries, one after another. To be used at once. */
  bytes(): Buffer;
  clear(): void;
}

const LEAST = 4 * 1024; // bytes

export function newOwn(): Own {
  let bytes = Buffer.allocUnsafeSlow(LEAST);
  let ends: number[] = []; // of each entry, in `bytes`
  let times: number[] = [];
  let first = 0; // the first entry that was not dropped

  const start = () => (first === 0 ? 0 : ends[first - 1]!);
  const end = () => ends.at(-1) ?? 0;

  function clear(): void {
    if (bytes.length > LEAST) bytes = Buffer.allocUnsafeSlow(LEAST);
    ends = [];
    times = [];
    first = 0;
  }

  /** Makes room for an entry of `size` bytes: takes that of dropped ones, or doubles it, so that little has to be moved. */
  function makeRoom(size: number): void {
    const gone = start();
    const left = bytes.subarray(gone, end());
    if (2 * (left.length + size) > bytes.length) bytes = Buffer.allocUnsafeSlow(2 * (left.length + size));
    left.copy(bytes);
    ends = ends.slice(first).map((end) => end - gone);
    times = times.slice(first);
    first = 0;
  }

  return {
    isEmpty: () => ends.length === 0,
    add(entry, size, at) {
      if (end() + size > bytes.length) makeRoom(size);
      const from = end();
      entry.copy(bytes, from, 0, size);
      ends.push(from + size);
      times.push(at);
    },
    oldest(waits) {
      let to = ends.length;
      while (first < to) {
        const middle = (first + to) >> 1;
        const from = middle === 0 ? 0 : ends[middle - 1]!;
        if (waits(bytes.subarray(from, ends[middle]))) to = middle;
        else first = middle + 1;
      }
      const at = times[first];
      if (at === undefined) clear();
      return at;
    },
    bytes: () => bytes.subarray(start(), end()),
    clear,
  };
}
