// The way to driver.pl: plans go there, reports come back. Nothing here measures.
import { spawn } from 'node:child_process';
import { policyRequest } from '../support/requests.ts';

const DRIVER = 'test/bench/driver.pl';
/** As spawn(8): PATH and nothing else. NODE_EXTRA_CA_CERTS alone would cost Node 50 ms. */
export const CLEAN = { PATH: '/usr/bin:/usr/sbin:/bin:/sbin' };

/** What is asked: a command with a process for each session, or a daemon that they connect to. */
export type Target = { command: string[] } | { socket: string; daemon: number };

export interface Step {
  /** Part of the requests that are for a known triple, 0 to 1. */
  share: number;
  /** How many in all; or for how long, in seconds. */
  requests?: number;
  seconds?: number;
  /** Only so many of the sessions take part. */
  sessions?: number;
  /** So many requests in one write. Default: 1, as smtpd does. */
  burst?: number;
  latencies?: boolean;
  /** Seconds for which nobody asks anything afterwards. */
  rest?: number;
  /** Look at the processes' memory then. */
  memory?: boolean;
}

export interface Plan {
  sessions: number;
  /** Triples 0 to `known` - 1 are stored; from `fresh` on they are new. */
  known: number;
  fresh: number;
  /** Times the first reply to such a request, of sessions started so often anew. */
  first?: 'known' | 'new';
  repeat?: number;
  /** Drops the page cache before each start; root only. */
  cold?: boolean;
  steps: Step[];
  seed?: number;
  template?: string;
}

export interface Outcome {
  requests: number;
  deferred: number;
  /** Requests a second. */
  rate: number;
  /** The driver's part of a processor. */
  driver: number;
  /** Microseconds of a processor that the program takes for a request; missing where a process ended meanwhile. */
  cpu?: number;
  /** Milliseconds. */
  p99?: number;
  /** kB, of each process. */
  memory?: { pss: number; private: number }[];
}

export interface Report {
  /** For each start, the milliseconds until each session had its first reply, sorted. */
  first: number[][];
  steps: Outcome[];
  /** Of each session that ended without a reply, or badly at its end: how. */
  ended: string[];
  /** The first triple that nobody has asked for yet. */
  fresh: number;
  /** Milliseconds of a processor that all sessions took to end, after the last step. */
  end: number;
}

const CHANGED = { client_address: '{client}', sender: '{sender}', recipient: '{recipient}' };

/** Runs a plan. Throws with the driver's words where a session does not reply, or none lives to. */
export async function drive(target: Target, plan: Plan, pinned = false): Promise<Report> {
  const command = [...(pinned ? ['taskset', '-c', '0'] : []), 'perl', DRIVER];
  const child = spawn(command[0]!, command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'], env: CLEAN });
  const stop = () => child.kill('SIGTERM');
  process.once('exit', stop);
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.end(JSON.stringify({ template: policyRequest(CHANGED), ...plan, ...target }));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  process.off('exit', stop);
  if (status !== 0) throw new Error(errors.trim() || `the driver ended with status ${status}`);
  return JSON.parse(out) as Report;
}
