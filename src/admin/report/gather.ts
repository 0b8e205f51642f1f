// From records to facts: one pass over the records, then one over the times that were kept of them. Pure but for the local
// time zone.
import type { ClientEntry, Entry } from '../../store/admin/entry.ts';
import { type ForgottenDays, forgottenSince } from '../../store/records/forgotten.ts';
import { type Mail, mailsOf, settledAfter } from '../history/mails.ts';
import { addTo, between, newTally, percentile, type Tally } from '../history/tally.ts';
import { keyInForce, newCollector } from '../history/triples.ts';
import { adviceOn } from './advice.ts';
import type { Bin, Facts, Kept, Waits } from './facts.ts';
import { newLeaders, senderDomainOf } from './leaders.ts';
import { newPeriods } from './periods.ts';
import { newPools } from './pools.ts';

export interface GatherSettings {
  /** Seconds since the epoch: the time of the report, and that from which first sights count. */
  now: number;
  since: number;
  /** As the filters have them, in seconds; a retry window of 0 has no end. */
  delay: number;
  retryWindow: number;
  autoWhitelist: number;
}

export interface Gathering {
  /** Takes the entries one by one, in any order. */
  take(entry: Entry): void;
  /** Takes what filters have counted of triples that are no longer on record. */
  forgotten(days: ForgottenDays): void;
  facts(): Facts;
}

const MINUTE = 60;
const EDGES = [0, 1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440].map((minutes) => minutes * MINUTE);
const MOST = 10; // of each list

export function newGathering(settings: GatherSettings): Gathering {
  const { now, since, retryWindow, autoWhitelist } = settings;
  const { triples, add } = newCollector();
  const domains = newLeaders();
  const clients = newLeaders();
  const recipients = newLeaders();
  const whitelist: Facts['whitelist'] = { whitelisted: 0, counted: 0, near: [] };
  const imported: number[] = []; // first sights of triples that passed, it is not known when
  let forgotten: Facts['forgotten'];

  function takeClient({ client, comeBacks, lastSeen }: ClientEntry): void {
    if (autoWhitelist === 0 || comeBacks === 0) return;
    if (comeBacks > autoWhitelist) {
      whitelist.whitelisted++;
      return;
    }
    whitelist.counted++;
    const { near } = whitelist;
    if (near.length === MOST && comeBacks <= near.at(-1)!.comeBacks) return;
    near.push({ client, comeBacks, lastSeen });
    near.sort((a, b) => b.comeBacks - a.comeBacks || b.lastSeen - a.lastSeen);
    near.length = Math.min(MOST, near.length);
  }

  return {
    take(entry) {
      if (entry.kind === 'client') {
        takeClient(entry);
        return;
      }
      if (entry.firstSeen < since || entry.firstSeen > now) return;
      if (entry.passed && entry.wait === 0) {
        imported.push(entry.firstSeen);
        return;
      }
      add(entry);
      if (!entry.passed) return;
      domains.add(senderDomainOf(entry.sender), entry.wait);
      clients.add(entry.client, entry.wait);
      recipients.add(entry.recipient.toLowerCase(), entry.wait);
    },
    forgotten(days) {
      forgotten = forgottenSince(days, since);
    },
    facts() {
      const outcomes: Facts['triples'] = {
        seen: triples.length + imported.length,
        passed: imported.length,
        imported: imported.length,
        elsewhere: 0,
        expired: 0,
        undecided: 0,
      };
      const waits = newTally();
      const completeFrom = retryWindow === 0 ? 0 : now - retryWindow;
      const periods = newPeriods(since, now, completeFrom);
      const kept = newKept(settings);
      const pools = newPools(triples, settings.delay, retryWindow);

      function count(mail: Mail): void {
        for (const triple of mail.triples) kept.count(triples.firstSeen[triple]!, mail.pass > 0);
        if (mail.pass === 0) {
          periods.notBack(mail.start);
          if (retryWindow > 0 && now - mail.start > retryWindow) outcomes.expired++;
          else outcomes.undecided++;
          return;
        }
        outcomes.passed++;
        outcomes.elsewhere += mail.triples.length - 1;
        addTo(waits, mail.pass - mail.start);
        periods.back(mail.start, mail.pass - mail.start);
      }

      for (const firstSeen of imported) kept.count(firstSeen, true);
      for (let i = 0; i < triples.length; i++) {
        if (triples.first[i] === 0) continue;
        const mails = mailsOf(triples, i, retryWindow);
        for (const mail of mails) count(mail);
        const pair = triples.pairs.get(i);
        if (pair === undefined) continue;
        pools.add(mails, pair.sender);
        // The time that such a mail had waited before its last client was seen.
        for (const { start, pass, triples: parts } of mails) {
          const more = pass === 0 ? 0 : triples.firstSeen[parts[0]!]! - start;
          if (more === 0) continue;
          domains.add(senderDomainOf(pair.sender), more, 0);
          recipients.add(pair.recipient.toLowerCase(), more, 0);
        }
      }
      const facts = {
        ...settings,
        clientKey: keyInForce(triples.kinds),
        triples: outcomes,
        forgotten,
        kept: kept.kept(waits),
        waits: waitsOf(waits),
        periods: periods.periods(),
        domains: domains.top(MOST),
        clients: clients.top(MOST),
        recipients: recipients.top(MOST),
        pools: pools.pools(MOST),
        whitelist,
      };
      return { ...facts, advice: adviceOn(facts) };
    },
  };
}

/** Counts the triples that are old enough to have come back, and too young to have been forgotten. */
function newKept({ now, since, retryWindow }: GatherSettings) {
  const settled = settledAfter(retryWindow);
  const from = retryWindow === 0 ? since : Math.max(since, now - retryWindow);
  const until = now - settled;
  let all = 0;
  let notBack = 0;
  return {
    count(firstSeen: number, back: boolean) {
      if (firstSeen < from || firstSeen > until) return;
      all++;
      if (!back) notBack++;
    },
    kept(waits: Tally): Kept | undefined {
      if (all === 0) return undefined;
      const soonEnough = waits.count === 0 ? 1 : between(waits, 0, settled) / waits.count;
      return { from, until, triples: all, notBack, soonEnough };
    },
  };
}

function waitsOf(tally: Tally): Waits {
  const { count, sum } = tally;
  const histogram: Bin[] = EDGES.map((from, i) => ({
    from,
    to: EDGES[i + 1] ?? null,
    mails: between(tally, from, EDGES[i + 1] ?? Number.POSITIVE_INFINITY),
  }));
  const used = histogram.map(({ mails }) => mails > 0);
  return {
    mails: count,
    median: percentile(tally, 0.5),
    percentile95: percentile(tally, 0.95),
    worst: count === 0 ? undefined : tally.worst,
    sum,
    histogram: count === 0 ? [] : histogram.slice(used.indexOf(true), used.lastIndexOf(true) + 1),
  };
}
