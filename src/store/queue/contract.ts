// What a queue does for its callers. Types only.

export interface Queue {
  /**
   * When the triple whose key is the first `length` bytes of `key` was first seen, in seconds since the epoch, if it is in
   * the queue; 0: it is not; -1: the queue cannot be used now. Throws nothing.
   */
  find(key: Buffer, length: number): number;
  /** How many bytes were queued at the last look. */
  size(): number;
  /** The process that was the last to take something out, or to claim to, if it is alive. As of the last look. */
  storer(): 'this' | 'another' | 'none';
  /** Whether something may have been taken out between the last `find` and the look before it. */
  hasMoved(): boolean;
  /** Appends a first sight, after `find` returned 0. False: it may be missing, and has to go into the database at once. */
  add(key: Buffer, length: number, now: number): boolean;
  /**
   * For how many milliseconds something that this process has appended has waited while nobody took anything out or claimed
   * to; undefined: nothing of it is left.
   */
  waited(): number | undefined;
  /** Tells the others that this process is about to take out what is queued. Throws nothing. */
  claim(): void;
  /**
   * To be called at the end: leaves what this process has appended, safe on the disk, to the process that has just taken
   * something out, or claimed to. False: there is no such process, or what was appended may be missing. Throws nothing.
   */
  leave(): boolean;
  /**
   * Empties the queue, in two steps: to be called under the database's write lock, it returns what is queued, the earliest
   * sight of each key (latin1); `done`, to be called once that is committed, takes it out. Throws what the file system throws.
   */
  take(): Taken;
  close(): void;
}

export interface Taken {
  firstSeen: Map<string, number>;
  /** Some of it was answered as safe on the disk: it has to be safe in the database before `done` is called. */
  durable: boolean;
  done(): void;
}
