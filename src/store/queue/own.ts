// What this process has appended to the queue, until it is known to be in the database. As bytes, not as objects: what
// lives for a second is moved by V8 to where it stays until the process has been idle for some time.

export interface Own {
  isEmpty(): boolean;
  /** The first `size` bytes of `entry`, appended at `at`. */
  add(entry: Buffer, size: number, at: number): void;
  /**
   * When the oldest one was appended for which `waits` holds; it must hold then for all younger ones. Those before it go.
   * undefined: there is none, and all go.
   */
  oldest(waits: (entry: Buffer) => boolean): number | undefined;
  /** All of them, one behind the other. To be used at once. */
  bytes(): Buffer;
  clear(): void;
}

const LEAST = 4 * 1024; // bytes

export function newOwn(): Own {
  let bytes = Buffer.allocUnsafeSlow(LEAST);
  let ends: number[] = []; // of each entry, in `bytes`
  let times: number[] = [];
  let first = 0; // of those that are not gone

  const start = () => (first === 0 ? 0 : ends[first - 1]!);
  const end = () => ends.at(-1) ?? 0;

  function clear(): void {
    if (bytes.length > LEAST) bytes = Buffer.allocUnsafeSlow(LEAST);
    ends = [];
    times = [];
    first = 0;
  }

  /** For an entry of `size` bytes: those that are gone, or as much again, so that few have to be moved. */
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
