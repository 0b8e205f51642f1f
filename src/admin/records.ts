// The records that a command reads and changes, wherever they are: in this host's own database, or with --store in the
// engine that several hosts share. Commands that read or change records need not know which.
import { UsageError } from '../cli/values.ts';
import type { Change, JointChange, Name } from '../store/admin/change.ts';
import { openEditor } from '../store/admin/edit.ts';
import type { Entry } from '../store/admin/entry.ts';
import { type Peek, peek } from '../store/admin/peek.ts';
import { scan } from '../store/admin/scan.ts';
import type { Engine } from '../store/fleet/examine.ts';
import { clientOf } from '../store/records/origins.ts';
import type { Triple } from '../store/store.ts';
import { doesNotExist, eachHouse, explained, explanation, sizeOf } from './database.ts';
import { nameOf } from './entry.ts';
import { newBar } from './progress.ts';
import { plural } from './text.ts';
import { livesOf, type Where } from './where.ts';

const EVERY = 4096; // records between two updates of the bar

export interface Records {
  /** The path of the database, or where the engine is: for people. */
  name: string;
  /** Seconds since the epoch, by the clock of the times on record: this host's, or the engine's. */
  now(): number;
  /** False where there is no database yet. */
  isThere(): boolean;
  /** All records, piece by piece, with a progress bar that says `what` is done. */
  read(what: string, hooks?: Hooks): AsyncGenerator<Iterable<Entry>>;
  peek(triple: Triple): Peek | Promise<Peek>;
  /** Calls `visit` with the records of the house; an engine does not list them. */
  eachHouse?(visit: OnHouse): void;
  /** Changes happen within `work`. */
  edit<T>(work: (editor: Editor) => Promise<T>): Promise<T>;
  /** What an engine says of itself; undefined for a database. */
  examine?(): Promise<Engine>;
}

export interface Hooks {
  /** Called for what is damaged, which is passed over; without this, standard error says how much it was. */
  onDamage?: (what: string) => void;
  /** Called in the end where standard error has said so. */
  onPassedOver?: (() => void) | undefined;
  /** Called with each client's counts by origin, and with the other records of the house, of which an engine has none. */
  onOrigins?: OnHouse;
  onHouse?: OnHouse;
}

/** Called before any entry is yielded. */
type OnHouse = (name: string, text: string) => void;

/** Both return how many records were changed. */
export interface Editor {
  change(changes: Iterable<{ name: Name; change: Change }>): number | Promise<number>;
  changeJointly(changes: Iterable<JointChange>): number | Promise<number>;
  /** Whether such a record would be kept; undefined: any would. */
  keeps?(entry: Entry): boolean;
}

/** Calls `work` with the records that the options name. Throws an Error for the user where they cannot be used. */
export async function withRecords<T>(where: Where, work: (records: Records) => Promise<T>): Promise<T> {
  if (where.store === undefined) return work(ofDatabase(where.db));
  const { address, opener } = engineAt(where.store);
  const fleet = await opener.openEngine(address, {
    passwordFile: where['store-password-file'],
    from: 'files and pipes',
    patience: where['store-timeout'],
    lives: livesOf(where),
  });
  try {
    return await work(ofFleet(fleet));
  } finally {
    fleet.close();
  }
}

type Bundle = typeof import('../store/fleet/admin.ts');

/** The address in --store, and the bundle that opens it, loaded only now. Throws UsageError. */
export function engineAt(store: string): { address: ReturnType<Bundle['readAddress']>; opener: Bundle } {
  const opener = require('./fleet-admin.js') as Bundle;
  try {
    return { address: opener.readAddress(store), opener };
  } catch (error) {
    throw new UsageError(`--store: ${(error as Error).message}`);
  }
}

/** Calls `visit` for each record. */
export async function eachEntry(
  records: Records,
  visit: (entry: Entry) => void,
  hooks?: Hooks,
): Promise<void> {
  for await (const piece of records.read('reading', hooks)) for (const entry of piece) visit(entry);
}

/** The names, by which an editor finds them, of the records that are meant. */
export async function namesOf(records: Records, isMeant: (entry: Entry) => boolean): Promise<Name[]> {
  const names: Name[] = [];
  await eachEntry(records, (entry) => {
    if (isMeant(entry)) names.push(nameOf(entry));
  });
  return names;
}

/** What to do with damage: the hook, or else count it, for `tell` to say how much there was, if any. */
function watchDamage({ onDamage, onPassedOver }: Hooks, passedOver: (count: number) => string) {
  let count = 0;
  return {
    note: onDamage ?? (() => void count++),
    tell() {
      if (count === 0) return;
      process.stderr.write(`greylatch: ${passedOver(count)}\n`);
      onPassedOver?.();
    },
  };
}

/** The records of this host's own database, also where filters use an engine. */
export function ofDatabase(db: string): Records {
  const passedOver = (count: number) =>
    `${plural(count, 'damaged page was', 'damaged pages were')} passed over; see greylatch verify --db ${db}`;
  return {
    name: db,
    now: () => Math.floor(Date.now() / 1000),
    isThere: () => sizeOf(db) > 0,
    async *read(what, hooks = {}) {
      const { onOrigins, onHouse } = hooks;
      const damage = watchDamage(hooks, passedOver);
      const visit: OnHouse = (name, text) => {
        if (clientOf(name) === undefined) onHouse?.(name, text);
        else onOrigins?.(name, text);
      };
      const found = explained(db, () => scan(db, damage.note, visit));
      if (found === undefined) throw doesNotExist(db);
      const { entries, part } = found;
      const bar = newBar(what);
      function* shown() {
        let read = 0;
        for (const entry of entries) {
          yield entry;
          if (++read % EVERY === 0) bar.show(part());
        }
      }
      try {
        yield shown();
      } finally {
        bar.end();
        damage.tell();
      }
    },
    peek: (triple) => explained(db, () => peek(db, triple)),
    eachHouse: (visit) => eachHouse(db, visit),
    async edit(work) {
      const editor = explained(db, () => openEditor(db));
      try {
        return await work(editor);
      } catch (error) {
        throw explanation(db, error);
      } finally {
        editor.close();
      }
    },
  };
}

function ofFleet(fleet: Awaited<ReturnType<Bundle['openEngine']>>): Records {
  const passedOver = (count: number) =>
    `${plural(count, 'key was', 'keys were')} passed over that ${count === 1 ? 'holds' : 'hold'} something else; see greylatch status --store`;
  return {
    name: fleet.name,
    now: fleet.now,
    isThere: () => true,
    async *read(what, hooks = {}) {
      if (hooks.onOrigins !== undefined) await fleet.origins(hooks.onOrigins);
      const damage = watchDamage(hooks, passedOver);
      const { pages, part } = await fleet.scan(damage.note);
      const bar = newBar(what);
      try {
        for await (const page of pages) {
          yield page;
          bar.show(part());
        }
      } finally {
        bar.end();
        damage.tell();
      }
    },
    peek: fleet.peek,
    edit: fleet.edit,
    examine: fleet.examine,
  };
}
