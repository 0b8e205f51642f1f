// Gathers the status of the database, as plain data. Changes nothing, prints nothing.
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import type { Entry } from '../../store/admin/entry.ts';
import { DamageError } from '../../store/damage.ts';
import { hold } from '../../store/lmdb/hold.ts';
import { lockPath } from '../../store/pages/lock.ts';
import { type Problem, verify } from '../../store/pages/verify.ts';
import { wasDatabase } from '../../store/rescue/ours.ts';
import { damagedFiles } from '../../store/rescue/recover.ts';
import type { Lives } from '../../store/store.ts';
import { attempt } from '../attempt.ts';
import { sizeOf } from '../database.ts';
import { type State, stateOf } from '../entry.ts';
import { commandOf, processIds } from '../processes.ts';
import { withBar } from '../progress.ts';
import { eachEntry, type Records } from '../records.ts';

/** How many records there are, by kind. */
export interface Counts {
  triples: { waiting: number; passed: number; expired: number };
  /** Clients with come-backs: with more than --auto-whitelist, with no more, and expired ones. */
  clients: { whitelisted: number; counted: number; expired: number };
  /** First sights of the oldest and the newest triple, seconds since the epoch; undefined: there are none. */
  oldest: number | undefined;
  newest: number | undefined;
}

export interface Status extends Counts {
  db: string;
  /** Bytes of the file. */
  size: number;
  processes: Process[];
  /** Processes of other users that could not be looked at. */
  unseen: number;
  /** The damaged file that was set aside last; `at` in seconds since the epoch. */
  lastDamage: { name: string; at: number } | undefined;
  sound: boolean;
  /** What is wrong, page by page. */
  problems: Problem[];
}

interface Process {
  pid: number;
  /** Its command line. */
  command: string;
}

export interface StatusSettings {
  lives: Lives;
  autoWhitelist: number;
  /** Read and check every page, not only those that hold records. */
  verify: boolean;
  /** Seconds since the epoch. */
  now: number;
}

/** Throws an Error for the user where the database cannot be read. */
export async function gather(records: Records, db: string, settings: StatusSettings): Promise<Status> {
  const size = sizeOf(db);
  const { counts, damage, unread } = await count(records, settings);
  let problems: Problem[] = unread === undefined ? [] : [{ page: undefined, what: unread }];
  if (problems.length === 0 && (settings.verify || damage.length > 0)) {
    const verified = await withBar('checking', (show) => verify(db, show, hold));
    problems = verified?.problems ?? [];
  }
  const found = processesWith(db);
  return {
    db,
    size,
    ...counts,
    ...found,
    lastDamage: damagedFiles(db).at(-1),
    sound: problems.length === 0,
    problems,
  };
}

/** Counts the records; `damage` was passed over, and `unread` says why the rest was not read. */
export async function count(
  records: Records,
  { lives, autoWhitelist, now }: StatusSettings,
): Promise<{ counts: Counts; damage: string[]; unread: string | undefined }> {
  const triples = { waiting: 0, passed: 0, expired: 0 };
  const clients = { whitelisted: 0, counted: 0, expired: 0 };
  let oldest = Number.POSITIVE_INFINITY;
  let newest = 0;
  const damage: string[] = [];
  let unread: string | undefined;
  const take = (entry: Entry) => {
    const kinds: Partial<Record<State, number>> = entry.kind === 'client' ? clients : triples;
    kinds[stateOf(entry, now, lives, autoWhitelist)]!++;
    if (entry.kind === 'client') return;
    oldest = Math.min(oldest, entry.firstSeen);
    newest = Math.max(newest, entry.firstSeen);
  };
  try {
    await eachEntry(records, take, { onDamage: (what) => void damage.push(what) });
  } catch (error) {
    const { cause } = error as Error;
    if (!(cause instanceof DamageError) || !wasDatabase(records.name)) throw error;
    unread = cause.message;
  }
  const times = newest === 0 ? { oldest: undefined, newest: undefined } : { oldest, newest };
  return { counts: { triples, clients, ...times }, damage, unread };
}

/** The processes that have the database or its lock file open, as far as they can be looked at, without this one. */
function processesWith(db: string): { processes: Process[]; unseen: number } {
  const wanted = realpathSync(db);
  const files = new Set([wanted, lockPath(wanted)]);
  const processes: Process[] = [];
  let unseen = 0;
  for (const pid of processIds().filter((pid) => pid !== process.pid)) {
    const open = filesOpenIn(pid);
    if (open === undefined) unseen++;
    else if (open.some((file) => files.has(file)))
      processes.push({ pid, command: commandOf(pid).join(' ').trim() });
  }
  return { processes, unseen };
}

/** Undefined where the process is not ours to look at; none where it has ended. */
function filesOpenIn(pid: number): string[] | undefined {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).map((fd) => attempt(() => readlinkSync(`${directory}/${fd}`)) ?? '');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : [];
  }
}
