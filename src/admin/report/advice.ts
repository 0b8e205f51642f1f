// A sentence of advice for the administrator, where the numbers call for one. Pure.
import { grouped, span } from '../text.ts';
import type { Facts } from './facts.ts';

const HOUR = 3600;
const ENOUGH = 100; // triples; fewer say nothing
const LITTLE = 0.2; // of the triples kept out: hardly worth a delay
const LONG = HOUR; // seconds that no real sender should wait

/** The advice; undefined: none is called for. */
export function adviceOn(facts: Omit<Facts, 'advice'>): string | undefined {
  const { triples, kept, waits, pools, clientKey } = facts;
  if (triples.seen < ENOUGH) return undefined;
  const notable = (saved: number) => saved >= HOUR && saved >= waits.sum / 10;
  if (
    clientKey === 'address' &&
    notable(pools.savedBySubnet) &&
    pools.savedBySubnet > pools.savedByPool / 2
  ) {
    return `--client-key subnet would have saved ${hours(pools.savedBySubnet)} of the ${hours(waits.sum)} that mail waited, --client-key pool up to ${hours(pools.savedByPool)}.`;
  }
  if (clientKey !== 'pool' && notable(pools.savedByPool)) {
    return `--client-key pool would have saved up to ${hours(pools.savedByPool)} of the ${hours(waits.sum)} that mail waited, for senders that retry from other addresses.`;
  }
  if (kept !== undefined && kept.triples >= ENOUGH && kept.notBack < LITTLE * kept.triples) {
    return `Greylisting keeps out little here: with --greylist suspicious only clients that do not look like a mail server would wait.`;
  }
  if ((waits.percentile95 ?? 0) > LONG) {
    return `One mail in twenty waited longer than ${span(waits.percentile95!)}: greylatch tune shows whether a shorter --delay or a lower --auto-whitelist helps, and --greylist suspicious spares clients that look like a mail server.`;
  }
  return undefined;
}

function hours(seconds: number): string {
  const number = Math.round(seconds / HOUR);
  return number === 1 ? '1 hour' : `${grouped(number)} hours`;
}
