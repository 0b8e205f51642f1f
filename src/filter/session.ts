// A session: requests from descriptor 0, replies to descriptor 1, until one side or the clock ends it.
// Knows nothing of greylisting: what a request gets is asked of `answer`.
import { fstatSync, writeSync } from 'node:fs';
import { type PolicyRequest, REQUEST_TYPE } from '../greylist/request.ts';
import type { Log } from '../log/log.ts';
import { pause } from '../time/pause.ts';
import { readFile, readFirst, readStream } from './input.ts';
import { newDecoder } from './protocol.ts';

export interface SessionOptions {
  /** The action for a request; undefined: no reply, the session ends with status 1. */
  answer: (request: PolicyRequest) => string | undefined;
  /** Called after replies have gone out, when there is nothing else to do: now and then, not after each. */
  tidy: () => void;
  /** The session's end, in seconds from its start; 0: none. */
  timeLimit: number;
  /** Log each attribute and each action. */
  verbose: boolean;
  log: Log;
  /** Called once, when the session is over, with the exit status of the process. */
  end: (status: number) => void;
}

/** How long after a reply there is time for other work, in milliseconds. An idle session does none. */
const TIDY_AFTER = 1000;
/** The longest that Node waits, in milliseconds, 24 days: asked for more, it does not wait at all. */
const LONGEST_TIMER = 2 ** 31 - 1;

export function runSession(options: SessionOptions): void {
  const { answer, log, verbose } = options;
  let replies = '';
  let over = false;
  let _tidying: NodeJS.Timeout | undefined;

  const decode = newDecoder({
    request(request) {
      if (request.request !== REQUEST_TYPE) {
        // SMTPD_POLICY_README: in case of trouble send no reply, log, and disconnect.
        log.write('err', `unrecognized request type: '${request.request}'`);
        finish(1);
        return false;
      }
      const action = answer(request);
      if (action === undefined) {
        finish(1);
        return false;
      }
      if (verbose) log.write('info', `Action: ${action}`);
      replies += `action=${action}\n\n`;
      return true;
    },
    garbage: (line) => log.write('warning', `ignoring garbage: ${line}`),
    tooLong(what) {
      log.write('err', `${what}: the session ends`);
      finish(1);
    },
    attribute: verbose ? (name, value) => log.write('info', `Attribute: ${name}=${value}`) : undefined,
  });

  function take(chunk: Buffer, length: number): void {
    if (over) return;
    decode(chunk, length);
    send();
    _tidying ??= setTimeout(tidyUp, TIDY_AFTER).unref();
  }

  function tidyUp(): void {
    _tidying = undefined;
    if (!over) options.tidy();
  }

  /** Writes what has been answered; the peer may be gone, or slow. */
  function send(): void {
    while (replies !== '') {
      try {
        const written = writeSync(1, replies, null, 'latin1');
        replies = replies.slice(written);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') pause(1);
        else {
          replies = '';
          const isGone = code === 'EPIPE' || code === 'ECONNRESET'; // nobody is left to read
          if (!isGone) log.write('err', `cannot write a reply: ${message}`);
          finish(isGone ? 0 : 1);
        }
      }
    }
  }

  function finish(status: number): void {
    if (over) return;
    over = true;
    send();
    options.end(status);
  }

  const input = fstatSync(0);
  const isStream = input.isSocket() || input.isFIFO();
  const ended = () => finish(0);
  // smtpd sends a request as soon as it has connected. It is read and answered before all else is made ready. Until it is
  // there, a signal ends the process as any other.
  const first = isStream ? readFirst() : undefined;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, ended);
  if (first?.length === 0) ended();
  else if (first !== undefined) take(first, first.length);
  if (over) return;
  if (options.timeLimit > 0) setTimeout(ended, Math.min(options.timeLimit * 1000, LONGEST_TIMER));
  if (isStream) readStream(take, ended);
  else readFile(take, ended);
}
