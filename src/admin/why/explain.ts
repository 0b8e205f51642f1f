// What a filter with these settings would answer now, and each step that leads there. Reads the database, changes nothing.
import type { FilterArguments } from '../../cli/arguments.ts';
import type { Policy } from '../../filter/answer.ts';
import { DUNNO, newDeferral, newHeader } from '../../filter/reply.ts';
import { type Judgement, judge } from '../../greylist/decide.ts';
import { type Exception, exceptionFor } from '../../greylist/exceptions.ts';
import { releaseFor } from '../../greylist/release.ts';
import { type PolicyRequest, REQUEST_TYPE } from '../../greylist/request.ts';
import { tripleOf } from '../../greylist/triple.ts';
import type { Peek } from '../../store/admin/peek.ts';
import type { TripleRecord } from '../../store/records/record.ts';
import type { Release } from '../../store/releases.ts';
import { clientCounts, type Sighting, type Triple, tripleCounts } from '../../store/store.ts';

export interface Explanation {
  request: Pick<PolicyRequest, 'client_address' | 'client_name' | 'helo_name' | 'sender' | 'recipient'>;
  /** Why the request is not greylisted; then all below is missing. */
  exception?: Exception;
  /** The triple that is looked up; with --privacy, of pseudonyms. */
  triple?: Triple;
  /** There is no database yet. */
  missing?: boolean;
  autoWhitelist?: { comeBacks: number; moreThan: number; lastSeen: number; expired: boolean };
  /** What is on record of the triple; `expired`: it no longer counts. */
  record?: TripleRecord & { expired: boolean };
  verdict?: 'auto-whitelisted' | 'new' | 'too early' | 'old enough';
  /** Seconds until it would pass; 0: now. */
  left: number;
  release?: Release;
  /** The action that Postfix would get; undefined: no reply. */
  action: string | undefined;
  /** The deferral that it would get without --greylist observe or --dry-run, which let all pass. */
  instead?: string;
}

/** `now` in seconds since the epoch. Throws what `peek` throws where the records cannot be read. */
export async function explain(
  request: PolicyRequest,
  settings: FilterArguments,
  policy: Policy,
  now: number,
  peek: (triple: Triple) => Peek | Promise<Peek>,
): Promise<Explanation> {
  const { client_address, client_name, helo_name, sender, recipient } = request;
  const shown = { client_address, client_name, helo_name, sender, recipient };
  if (request.request !== REQUEST_TYPE) return { request: shown, left: 0, action: undefined };
  const exception = exceptionFor(request, policy);
  if (exception !== undefined) return { request: shown, exception, left: 0, action: DUNNO };
  const triple = tripleOf(request, policy);
  const found = await peek(triple);
  const seen = sightingOf(found, settings, now);
  const judgement = judge(seen, now, policy);
  const verdict = verdictOf(judgement, seen, policy);
  const isDeferred = verdict === 'new' || verdict === 'too early';
  const release = isDeferred ? releaseFor(request, found.releases, now) : undefined;
  const age = verdict === 'new' ? 0 : now - seen.firstSeen;
  const left = isDeferred && release === undefined ? policy.delay + 1 - age : 0;
  const deferral = newDeferral(policy.action, policy.text, policy.delay)(left, recipient);
  const lets = policy.greylist === 'observe' || policy.dryRun;
  const wasDelayed = release === undefined ? judgement === 'pass and note it' && !seen.passed : age > 0;
  const passing = wasDelayed && !lets ? actionForDelayed(request, policy, age, now) : DUNNO;
  return {
    request: shown,
    triple,
    missing: found.missing,
    ...onRecord(found, settings, now),
    verdict,
    left,
    ...(release === undefined ? {} : { release }),
    action: left > 0 && !lets ? deferral : passing,
    ...(left > 0 && lets ? { instead: deferral } : {}),
  };
}

function verdictOf(
  judgement: Judgement,
  seen: Sighting,
  policy: Policy,
): NonNullable<Explanation['verdict']> {
  if (judgement === 'remember, then judge again') return 'new';
  if (judgement === 'defer') return 'too early';
  const { autoWhitelist } = policy;
  return autoWhitelist > 0 && seen.comeBacks > autoWhitelist ? 'auto-whitelisted' : 'old enough';
}

/** As in ../../filter/answer.ts, but for one request alone. */
function actionForDelayed(request: PolicyRequest, policy: Policy, age: number, now: number): string {
  if (!policy.header || request.protocol_state === 'END-OF-MESSAGE') return DUNNO;
  return newHeader(policy.hostname)(request.instance, age, now) ?? DUNNO;
}

/** What is on record, as a store shows it to the decision. */
function sightingOf({ triple, client }: Peek, limits: FilterArguments, now: number): Sighting {
  const known = triple !== undefined && counts(triple, limits, now) ? triple : undefined;
  const counted = client !== undefined && clientCounts(client.lastSeen, now, limits);
  return {
    comeBacks: counted ? client.comeBacks : 0,
    firstSeen: known?.firstSeen ?? 0,
    passed: known?.passed ?? false,
    // These only decide what is noted, and nothing is.
    clientFresh: false,
    fresh: false,
    full: false,
  };
}

function counts({ firstSeen, lastPassed }: TripleRecord, limits: FilterArguments, now: number): boolean {
  return tripleCounts(firstSeen, lastPassed, now, limits);
}

function onRecord({ triple, client }: Peek, limits: FilterArguments, now: number): Partial<Explanation> {
  const { comeBacks = 0, lastSeen = 0 } = client ?? {};
  const expired = client !== undefined && !clientCounts(lastSeen, now, limits);
  return {
    autoWhitelist: { comeBacks, moreThan: limits.autoWhitelist, lastSeen, expired },
    ...(triple === undefined ? {} : { record: { ...triple, expired: !counts(triple, limits, now) } }),
  };
}
