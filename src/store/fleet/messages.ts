// The messages between the filter's main thread (thread.ts) and the thread that asks the engine (worker.ts).
import type { MessagePort } from 'node:worker_threads';
import type { Release } from '../releases.ts';
import type { Lives, Rules, Triple } from '../store.ts';
import type { Address } from './address.ts';
import type { Decided } from './decided.ts';
import type { Secrets } from './secrets.ts';

/** The cells of the shared memory: a count whose change wakes the filter, and the state of the engine. */
export const WAKE = 0;
export const STATE = 1;

/** States: the thread is being loaded; the first connection is being made; the engine answers; the engine is not asked. */
export const LOADING = 0;
export const CONNECTING = 1;
export const UP = 2;
export const AWAY = 3;

/** What is wrong where nobody knows yet, e.g. as a connection has just ended. */
export const NO_REASON = 'no connection';

export interface WorkerData {
  shared: Int32Array;
  port: MessagePort;
  address: Address;
  /** What was in the files when the thread was started; they may be changed since. */
  secrets: Secrets;
  /** Undefined: the engine asks for none. */
  passwordFile: string | undefined;
  /** How long a request waits for the engine, in milliseconds. */
  timeout: number;
  lives: Lives;
  /** The journal of what this host decides by itself. */
  journal: string;
  /** Under which keys this host's filters store, as words without space: `doctor` compares them. '': not known. */
  keys: string;
}

/** A decision that is wanted; its answer has the same number. */
export interface Question extends Triple, Rules {
  number: number;
  /** Nothing is stored. */
  idle: boolean;
}

/** Decided: what passed against the engine's verdict, by an administrator's release. */
export type ToWorker = Question | Decided | 'late' | 'merge';

/**
 * On the port, read by a filter that waits: the verdict (and what administrators have released, by this host's clock), or what
 * is wrong with the engine, or with one key. The number is 0 where this answers no question.
 */
export type Answer =
  | {
      number: number;
      verdict: readonly [passes: number, age: number, delayed: number];
      releases: readonly Release[];
    }
  | { number: number; trouble: string; ofOneKey: boolean };

/** Whether the engine's reply is a decision: what lies between may have spoilt it. */
export function isVerdict(reply: unknown): boolean {
  return Array.isArray(reply) && reply.length === 3 && reply.every(Number.isInteger);
}

/** To the filter's event loop: a line for the log. */
export interface Note {
  level: 'info' | 'warning' | 'err';
  text: string;
}
