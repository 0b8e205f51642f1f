// From records to facts: one pass over the records, then one over the times that were kept of them. Pure but for the local
// time zone.
import type { ClientEntry, Entry } from '../../store/admin/entry.ts';
import { type ForgottenDays, forgottenSince } from '../../store/records/forgotten.ts';
import { clientCounts } from '../../store/store.ts';
import { type Mail, mailsOf } from '../history/mails.ts';
import { keyInForce, newCollector, type Pair } from '../history/triples.ts';
import { adviceOn } from './advice.ts';
import { newCounter } from './counts.ts';
import type { Facts } from './facts.ts';
import { newLeaders, senderDomainOf } from './leaders.ts';
import { newPools } from './pools.ts';

export interface GatherSettings {
  /** Seconds since the epoch: the time of the report, and that from which first sights count. */
  now: number;
  since: number;
  /** As the filters have them, in seconds; a retry window or an age of 0 has no end. */
  delay: number;
  retryWindow: number;
  maxAge: number;
  autoWhitelist: number;
}

const MOST = 10; // of each list

export function newGathering(settings: GatherSettings) {
  const { now, since, delay, retryWindow } = settings;
  const { triples, add } = newCollector();
  const domains = newLeaders();
  const clients = newLeaders();
  const recipients = newLeaders();
  const whitelist = newWhitelist(settings);
  const imported: number[] = []; // first sights of triples that passed, it is not known when
  let forgotten: Facts['forgotten'];

  /** Adds the time that a mail had waited before the client was seen with which it passed. */
  function addEarlier({ start, pass, triples: parts }: Mail, { sender, recipient }: Pair): void {
    const more = pass === 0 ? 0 : triples.firstSeen[parts[0]!]! - start;
    if (more === 0) return;
    domains.add(senderDomainOf(sender), more, 0, pass - start);
    recipients.add(recipient.toLowerCase(), more, 0, pass - start);
  }

  return {
    /** Takes the entries one by one, in any order. */
    take(entry: Entry): void {
      if (entry.kind === 'client') {
        whitelist.take(entry);
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
    /** Takes what filters have counted of triples that are no longer on record. */
    forgotten(days: ForgottenDays): void {
      forgotten = forgottenSince(days, since);
    },
    facts(): Facts {
      const counter = newCounter(triples, settings);
      const pools = newPools(triples, delay, retryWindow);
      for (const firstSeen of imported) counter.imported(firstSeen);
      for (let i = 0; i < triples.length; i++) {
        if (triples.first[i] === 0) continue;
        const mails = mailsOf(triples, i, retryWindow);
        for (const mail of mails) counter.mail(mail);
        const pair = triples.pairs.get(i);
        if (pair === undefined) continue;
        pools.add(mails, pair.sender);
        for (const mail of mails) addEarlier(mail, pair);
      }
      const facts = {
        ...settings,
        clientKey: keyInForce(triples.kinds),
        forgotten,
        ...counter.counts(),
        domains: domains.top(MOST),
        clients: clients.top(MOST),
        recipients: recipients.top(MOST),
        pools: pools.pools(MOST),
        whitelist: whitelist.facts,
      };
      return { ...facts, advice: adviceOn(facts) };
    },
  };
}

/** Counts the clients that are on the auto-whitelist, and keeps those that are close to it. */
function newWhitelist(settings: GatherSettings) {
  const { autoWhitelist: threshold, now } = settings;
  const facts: Facts['whitelist'] = { whitelisted: 0, counted: 0, near: [] };
  return {
    facts,
    take({ client, comeBacks, lastSeen }: ClientEntry): void {
      // Filters forget clients little by little: one that has expired may still be on record.
      if (threshold === 0 || comeBacks === 0 || !clientCounts(lastSeen, now, settings)) return;
      if (comeBacks > threshold) {
        facts.whitelisted++;
        return;
      }
      facts.counted++;
      const { near } = facts;
      if (near.length === MOST && comeBacks <= near.at(-1)!.comeBacks) return;
      near.push({ client, comeBacks, lastSeen });
      near.sort((a, b) => b.comeBacks - a.comeBacks || b.lastSeen - a.lastSeen);
      near.length = Math.min(MOST, near.length);
    },
  };
}
