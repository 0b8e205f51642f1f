// lmdb's native addon, called without lmdb's JavaScript, which alone takes half as long to load as Node (13 to 31 ms); a
// filter needs only the calls below. They are internal to lmdb, so package.json pins its exact version, and
// test/store/lmdb/native.test.ts checks what they do.
import { StoreError } from '../damage.ts';

/** What we use of lmdb's `Env`; numbers that stand for native objects are their addresses. */
export interface NativeEnv {
  address: number;
  open(options: Record<string, unknown>, flags: number, jsFlags: number): void;
  /** Waits for the write lock and takes it. Does not say when it fails: see `getWriteTxnId`. */
  beginTxn(flags: number): void;
  /** Returns false where the transaction changed nothing. Throws on failure. */
  commitTxn(): boolean;
  abortTxn(): void;
  /** 0 where `beginTxn` failed. */
  getWriteTxnId(): number;
  /** Frees the reader's slots of processes that are gone; returns how many. */
  readerCheck(): number;
  close(): void;
}

/** A reader's slot in the lock file: until `abort`, LMDB re-uses no page of its state. */
export interface NativeReader {
  abort(): void;
}

interface Native {
  Env: new () => NativeEnv;
  Dbi: new (
    env: NativeEnv,
    flags: number,
    name: null,
    keyType: number,
    compression: undefined,
  ) => { dbi: number };
  Txn: new (env: NativeEnv, flags: number) => NativeReader;
  /** Carries out the instructions at an address within the current write transaction. */
  write(env: number, instructions: number): void;
  getAddress(buffer: ArrayBuffer): number;
  getEnvsPointer(): number;
}

// Flags of mdb_env_open(), mdb_txn_begin() and mdb_put(), as in lmdb.h.
export const NO_SUBDIR = 0x4000;
export const READ_ONLY = 0x20000;
export const NO_SYNC = 0x10000;
export const SYNCHRONOUS = 2; // of lmdb's JavaScript: commit before returning

let loaded: Native | undefined;

/** Loads the addon, once. Throws where none fits this machine. */
export function native(): Native {
  if (loaded === undefined) {
    loaded = load();
    loaded.getEnvsPointer(); // makes the addon set up what its environments share
  }
  return loaded;
}

function load(): Native {
  try {
    return usual(require) ?? loadAsLmdb();
  } catch (error) {
    throw notLoaded(error as NodeJS.ErrnoException);
  }
}

/** That of nearly every mail server; undefined: of this one it is not (another libc), or not to be seen from there. */
function usual(requireThere: NodeJS.Require): Native | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  try {
    return requireThere('@lmdb/lmdb-linux-x64/node.napi.glibc.node') as Native;
  } catch {
    return undefined;
  }
}

/**
 * From where lmdb finds it: pnpm shows a package nothing but its own dependencies, and the addon is one of lmdb's. Its own look-up
 * knows all kinds of machines, and takes 11 ms (Node 20) where the usual one takes 1.
 */
function loadAsLmdb(): Native {
  const { createRequire } = require('node:module') as typeof import('node:module');
  const { dirname } = require('node:path') as typeof import('node:path');
  const lmdb = require.resolve('lmdb');
  const requireAsLmdb = createRequire(lmdb);
  return usual(requireAsLmdb) ?? requireAsLmdb('node-gyp-build-optional-packages')(dirname(dirname(lmdb)));
}

/** A filter that needs it only now may have been started before an upgrade, and npm has just moved the files away. */
function notLoaded({ code, message }: NodeJS.ErrnoException): StoreError {
  const why =
    code === 'MODULE_NOT_FOUND'
      ? 'files of greylatch are missing; if it is not just being upgraded, install it again'
      : message.split('\n', 1)[0];
  return new StoreError(`cannot load LMDB: ${why}`);
}
