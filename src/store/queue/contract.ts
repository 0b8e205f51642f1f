// What a queue is to those who use it. Types only.

export interface Queue {
  /**
   * When the triple whose key is the first `length` bytes of `key` was first seen, in seconds since the epoch, if it is
   * in the queue; 0: it is not; -1: the queue is of no use now. Throws nothing.
   */
  find(key: Buffer, length: number): number;
  /** How many bytes were queued at the last look. */
  size(): number;
  /** Who was the last to take something out, or to say that it would, if it lives. As of the last look. */
  storer(): 'this' | 'another' | 'none';
  /** Whether something may have been taken out between the look before and that of the last `find`. */
  hasMoved(): boolean;
  /** Appends a first sight, after `find` returned 0. False: it may not be there, and has to go into the database at once. */
  add(key: Buffer, length: number, now: number): boolean;
  /**
   * For how many milliseconds something that this process has appended has been there while nobody took anything out or
   * said that they would; undefined: none of it is left.
   */
  waited(): number | undefined;
  /** Says that this process is about to take out what is queued. Throws nothing. */
  claim(): void;
  /**
   * To be called at the end: leaves what this process has appended, on the disk, to the one that has just taken something
   * out, or is about to. False: there is none, or what was appended may not be there. Throws nothing.
   */
  leave(): boolean;
  /**
   * To be called under the database's write lock: what is queued, the earliest sight of each key (latin1). `done`, to be
   * called once it is committed, takes it out. Throws what the file system throws.
   */
  take(): Taken;
  close(): void;
}

export interface Taken {
  firstSeen: Map<string, number>;
  /** Some of it was answered as being on the disk: it has to be there in the database before it is `done`. */
  durable: boolean;
  done(): void;
}
