// Where the programs run: a scratch directory, and in it for each of them a database that was filled once, of
// which every measurement gets a copy of its own.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MOST_OFFSETS } from '../../src/store/records/record.ts';
import { makeScratch } from '../support/scratch.ts';
import { drive } from './driver.ts';
import { copyInterpreters, type Interpreters, type Opened, type OpenOptions, type Program } from './peers.ts';

export interface Lab {
  directory: string;
  interpreters: Interpreters;
  /** Bytes of each program's filled database before any triple came back; its name is the key. */
  sizes: Map<string, number>;
  /** What went wrong with each program, whose name is the key. */
  troubles: Map<string, Trouble>;
  remove(): void;
}

export interface Trouble {
  /** Sessions that ended without a reply, or with a status other than 0. */
  ended: number;
  /** Requests that got another reply than the one that was due. */
  wrong: number;
}

/** Long enough that a triple stored at the beginning of a run is still deferred at its end. */
export const DELAY = 3600;

export function makeLab(): Lab {
  const scratch = makeScratch('greylatch-bench-');
  process.once('exit', scratch.remove);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const interpreters = copyInterpreters(scratch.path);
  return {
    directory: scratch.path,
    interpreters,
    sizes: new Map(),
    troubles: new Map(),
    remove: scratch.remove,
  };
}

/** Opens the program on no database, or on a copy of one with `stored` triples. */
export async function withDatabase<T>(
  lab: Lab,
  program: Program,
  stored: number,
  work: (opened: Opened) => Promise<T>,
  options: Partial<OpenOptions> = {},
): Promise<T> {
  const directory = path.join(lab.directory, 'run');
  const base = path.join(lab.directory, program.name.replaceAll(' ', ''));
  if (stored > 0 && !existsSync(base)) await fill(lab, program, base, stored);
  mkdirSync(directory);
  if (stored > 0) cpSync(base, directory, { recursive: true, filter: isWorthCopying });
  // What was copied would otherwise go to the disk with the first triple that is stored.
  spawnSync('sync', ['-f', directory]);
  const opened = await program.open(directory, { delay: DELAY, pinned: false, ...options });
  try {
    return await work(opened);
  } finally {
    await opened.close();
    rmSync(directory, { recursive: true });
  }
}

export function sizeOf(directory: string): number {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => /\.m?db$/.test(name) && !/__db/.test(name));
  return files.reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0);
}

/**
 * By one session, of which greylist.pl too loses nothing. Then each triple comes back, until greylatch has noted all that
 * it notes of one: what is asked for a known one afterwards is a look-up to every program.
 */
async function fill(lab: Lab, program: Program, directory: string, stored: number): Promise<void> {
  mkdirSync(directory);
  const opened = await program.open(directory, { delay: DELAY, pinned: false });
  const askAll = () =>
    drive(opened.target, { sessions: 1, known: 0, fresh: 0, steps: [{ share: 0, requests: stored }] });
  try {
    await askAll();
    lab.sizes.set(program.name, sizeOf(directory));
    for (let i = 0; i < MOST_OFFSETS; i++) {
      await sleep(1100); // a second later, in whole seconds
      await askAll();
    }
  } finally {
    await opened.close();
  }
}

/** Not locks, sockets and Berkeley DB's shared memory: they belong to processes that are gone. */
function isWorthCopying(file: string): boolean {
  return !/(-lock|\.lock|__db\.\d+|socket)$/.test(file);
}
