// The action for a request, both when all goes well and when the store is in trouble (--on-error): mail always gets an
// answer.
import { decide, foresee } from '../greylist/decide.ts';
import { type ExceptionSettings, exceptionFor } from '../greylist/exceptions.ts';
import { releaseFor } from '../greylist/release.ts';
import type { PolicyRequest } from '../greylist/request.ts';
import { type TripleSettings, tripleOf } from '../greylist/triple.ts';
import { type Log, sparingly } from '../log/log.ts';
import { LAST_SECOND, type Rules, type Store, type Triple } from '../store/store.ts';
import { DUNNO, newDeferral, newHeader } from './reply.ts';

export interface Policy extends Rules, ExceptionSettings, TripleSettings {
  /** The action of a deferral, as in access(5), and the text that the client is told. */
  action: string;
  text: string;
  /** Mail that was delayed gets a header that says so. */
  header: boolean;
  /** Nothing is stored and nobody is deferred; the log says what would have been answered. */
  dryRun: boolean;
  onError: 'dunno' | 'defer' | 'exit';
}

/**
 * The action for each request; undefined where there is to be none (`exit`).
 * `clock` gives seconds since the epoch, whole ones, as time(2) does.
 */
export function newAnswer(
  store: Store,
  policy: Policy,
  log: Log,
  clock: () => number,
): (request: PolicyRequest) => string | undefined {
  const { onError, delay, dryRun } = policy;
  const complain = sparingly(log, clock);
  const deferral = newDeferral(policy.action, policy.text, delay);
  const header = policy.header ? newHeader(policy.hostname) : undefined;
  const defers = policy.greylist !== 'observe' && !dryRun;

  function act(request: PolicyRequest): string {
    if (exceptionFor(request, policy) !== undefined) return DUNNO;
    const now = clock();
    if (now < 1 || now > LAST_SECOND)
      throw new Error('the clock says 1970 or earlier, or 2106 or later; set it right');
    const triple = tripleOf(request, policy);
    const verdict = dryRun
      ? foresee(triple, store, now, policy)
      : decide(triple, store, now, policy, (error) => {
          complain('err', 'note', `${(error as Error).message}; the answer stands, but is not noted`);
        });
    if (verdict.passes) return verdict.delayed ? actionForDelayed(request, verdict.age, now) : DUNNO;
    if (isReleased(request, triple, now))
      return verdict.age > 0 ? actionForDelayed(request, verdict.age, now) : DUNNO;
    const action = deferral(delay + 1 - verdict.age, request.recipient);
    if (defers) return action;
    const { client_address, sender, recipient } = request;
    log.write(
      'info',
      `would have answered ${action} to client=${client_address}, sender=${asWord(sender)}, recipient=${asWord(recipient)}`,
    );
    return DUNNO;
  }

  /** Mail that was delayed gets a header, once a message; at END-OF-MESSAGE it is too late for one (access(5)). */
  function actionForDelayed({ instance, protocol_state }: PolicyRequest, age: number, now: number): string {
    if (!defers || protocol_state === 'END-OF-MESSAGE') return DUNNO;
    return header?.(instance, age, now) ?? DUNNO;
  }

  /** Whether an administrator has released it; if so it is noted as passed. Trouble here counts as no release. */
  function isReleased(request: PolicyRequest, triple: Triple, now: number): boolean {
    try {
      if (releaseFor(request, store.releases(), now) === undefined) return false;
      if (!dryRun) store.pass(triple, now, false);
      return true;
    } catch (error) {
      complain('err', 'release', `${(error as Error).message}; a release may not be seen meanwhile`);
      return false;
    }
  }

  return (request) => {
    try {
      return act(request);
    } catch (error) {
      complain('err', 'store', `${(error as Error).message}; mail gets --on-error=${onError} meanwhile`);
      if (onError === 'exit') return undefined;
      return onError === 'dunno' || !defers ? DUNNO : deferral(delay, request.recipient);
    }
  };
}

/** An address as one word, so that `a, recipient=b` in quotes, which is a good one, cannot look like two. */
function asWord(address: string): string {
  return address.replace(/[ ,\\]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`);
}
