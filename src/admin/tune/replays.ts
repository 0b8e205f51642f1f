// Replays the attempts on record with every setting: from records to a table of facts. Pure.
import type { Entry } from '../../store/admin/entry.ts';
import { MOST_OFFSETS } from '../../store/records/record.ts';
import { type Mail, mailsOf, settledAfter } from '../history/mails.ts';
import { classesOf, firstPass, type Sights } from '../history/replay.ts';
import { addTo, newTally, percentile, type Tally } from '../history/tally.ts';
import { type KeyInForce, keyInForce, newCollector, type Triples } from '../history/triples.ts';
import { whitelistTimes } from './whitelist.ts';

const DELAYS = [30, 60, 120, 300, 600, 900];
export const WHITELISTS = [1, 2, 5, 10];
const KEYS = ['address', 'subnet', 'pool'] as const;
type ClientKey = (typeof KEYS)[number];

export interface TuneSettings {
  /** Seconds since the epoch. */
  now: number;
  /** As the filters have them; seconds. A retry window of 0 has no end. */
  delay: number;
  retryWindow: number;
  autoWhitelist: number;
}

/** What one setting would have done. Seconds. */
export interface Outcome {
  delay: number;
  clientKey: ClientKey;
  autoWhitelist: number;
  median: Wait | undefined;
  percentile95: Wait | undefined;
  /** Triples that never came back in fact, but one of whose attempts this setting would have let in. */
  letIn: number;
}

export interface Wait {
  seconds: number;
  /** The wait would have been this long or longer: the attempts of some mails end before. */
  atLeast: boolean;
}

export interface Tuning extends TuneSettings {
  /** What seems to stand for the client in the records. */
  clientKey: KeyInForce;
  /** Mails that came back, and those that did not before the age at which nearly all have. */
  mails: number;
  notBack: number;
  /** Mails that passed sooner than the given --delay allows. */
  early: number;
  /** Triples with as many deferrals on record as are kept: there may have been more. */
  cut: number;
  outcomes: Outcome[];
}

interface Cell {
  outcome: Outcome;
  waits: Tally;
  /** The shortest wait of which only a lower bound is known. */
  unsure: number;
}

export function newReplay(settings: TuneSettings) {
  const { now, delay: inForce, retryWindow } = settings;
  const { triples, add } = newCollector();
  let cut = 0;
  return {
    /** Takes the entries one by one, in any order. */
    take(entry: Entry): void {
      if (entry.kind === 'client' || entry.firstSeen > now || (entry.passed && entry.wait === 0)) return;
      add(entry);
      if (entry.offsets.length === MOST_OFFSETS) cut++;
    },
    tuning(): Tuning {
      const settled = settledAfter(retryWindow);
      const clientKey = keyInForce(triples.kinds);
      const cells = newCells(clientKey, inForce);
      const counts = { mails: 0, notBack: 0, early: 0 };
      const whitelisted = {
        client: whitelistTimes(triples, triples.client, WHITELISTS),
        subnet: whitelistTimes(triples, triples.subnet, WHITELISTS),
      };
      for (let i = 0; i < triples.length; i++) {
        if (triples.first[i] === 0) continue;
        const mails = mailsOf(triples, i, retryWindow).filter(
          (mail) => mail.pass > 0 || now - mail.start > settled,
        );
        for (const { pass, start } of mails) {
          if (pass === 0) counts.notBack++;
          else counts.mails++;
          if (pass > 0 && pass - start <= inForce) counts.early++;
        }
        replayChain(triples, mails, cells, whitelisted, retryWindow);
      }
      return { ...settings, clientKey, ...counts, cut, outcomes: cells.flat(2).map(finished) };
    },
  };
}

/** Cells by key, delay and threshold, for the keys that the records can tell of. */
function newCells(inForce: KeyInForce, delayInForce: number): Cell[][][] {
  const delays = [...new Set([...DELAYS, delayInForce])].sort((a, b) => a - b);
  const cell = (clientKey: ClientKey, delay: number, autoWhitelist: number): Cell => ({
    outcome: { delay, clientKey, autoWhitelist, median: undefined, percentile95: undefined, letIn: 0 },
    waits: newTally(),
    unsure: Number.POSITIVE_INFINITY,
  });
  return knownKeys(inForce).map((key) => delays.map((delay) => WHITELISTS.map((n) => cell(key, delay, n))));
}

/** The keys of which the records can tell: the one in use and coarser ones. Hashes tell only which addresses are equal. */
function knownKeys(inForce: KeyInForce): ClientKey[] {
  if (inForce === 'hidden') return ['address', 'pool'];
  return KEYS.slice(KEYS.indexOf(inForce));
}

type Times = Uint32Array[];

function replayChain(
  triples: Triples,
  mails: readonly Mail[],
  cells: readonly (readonly (readonly Cell[])[])[],
  whitelisted: { client: Times; subnet: Times },
  retryWindow: number,
): void {
  const classes = classesOf(triples, mails);
  for (const byDelay of cells) {
    const { clientKey } = byDelay[0]![0]!.outcome;
    const times = clientKey === 'address' ? whitelisted.client : whitelisted.subnet;
    const names = clientKey === 'address' ? triples.client : triples.subnet;
    const welcome = mails.map((mail) => WHITELISTS.map((_, n) => firstWelcome(mail, names, times[n]!)));
    for (const byThreshold of byDelay) {
      const { delay } = byThreshold[0]!.outcome;
      const sights: Sights = new Map();
      for (const [m, mail] of mails.entries()) {
        const pass = firstPass(mail, classes[clientKey], sights, delay, retryWindow)?.at;
        for (const [n, cell] of byThreshold.entries()) count(cell, mail, earlier(pass, welcome[m]![n]));
      }
    }
  }
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** The first attempt by a client that would have been on the auto-whitelist by then. */
function firstWelcome(mail: Mail, names: Uint32Array, since: Uint32Array): number | undefined {
  return mail.attempts.find(({ at, triple }) => at > since[names[triple]!]!)?.at;
}

function count(cell: Cell, mail: Mail, pass: number | undefined): void {
  if (mail.pass === 0) {
    if (pass !== undefined) cell.outcome.letIn++;
    return;
  }
  if (pass !== undefined) {
    addTo(cell.waits, pass - mail.start);
    return;
  }
  // It would have tried again, but when is not known: later than its last attempt, and later than the delay.
  const least = Math.max(cell.outcome.delay + 1, mail.pass - mail.start);
  addTo(cell.waits, least);
  cell.unsure = Math.min(cell.unsure, least);
}

function finished({ outcome, waits, unsure }: Cell): Outcome {
  const wait = (part: number): Wait | undefined => {
    const seconds = percentile(waits, part);
    return seconds === undefined ? undefined : { seconds, atLeast: seconds >= unsure };
  };
  return { ...outcome, median: wait(0.5), percentile95: wait(0.95) };
}
