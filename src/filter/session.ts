// A session: requests from descriptor 0, replies to descriptor 1, until end of file, a signal or the time limit ends it.
// Knows nothing of greylisting: `answer` says what a request gets.
import { writeSync } from 'node:fs';
import { type PolicyRequest, REQUEST_TYPE } from '../greylist/request.ts';
import type { Log } from '../log/log.ts';
import { pause } from '../time/pause.ts';
import { openInput } from './input.ts';
import { newDecoder } from './protocol.ts';

interface SessionOptions {
  /** The action for a request; undefined: no reply, the session ends with status 1. */
  answer: (request: PolicyRequest) => string | undefined;
  /** Called now and then, a while after replies have gone out, for work that no reply should wait for. */
  tidy: () => void;
  /** The session's end, in seconds from its start; 0: none. */
  timeLimit: number;
  /** Log each attribute and each action. */
  verbose: boolean;
  log: Log;
  /** Called once, when the session is over, with the exit status of the process. */
  end: (status: number) => void;
}

/** How long after a reply `tidy` is called, in milliseconds. An idle session never calls it. */
const TIDY_AFTER = 1000;
/**
 * How long, in milliseconds, a slow peer is waited for without the event loop; then it is looked at so often whether it reads, and
 * meanwhile nothing more is taken from it. At the session's end nothing else waits.
 */
const PATIENCE = 100;
const LOOK_AGAIN = 10;
const LAST_PATIENCE = 1000;
/** The longest timer that Node knows, in milliseconds: 24 days. With a longer one, it does not wait at all. */
const LONGEST_TIMER = 2 ** 31 - 1;

export function runSession(options: SessionOptions): void {
  const { answer, log, verbose } = options;
  let replies = '';
  let over = false;
  let willTidy = false;

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
    send(PATIENCE);
    if (replies !== '') {
      input.stop();
      setTimeout(goOn, LOOK_AGAIN);
    }
    if (!willTidy) setTimeout(tidyUp, TIDY_AFTER);
    willTidy = true;
  }

  function tidyUp(): void {
    willTidy = false;
    if (!over) options.tidy();
  }

  /** The peer has not taken all replies yet. Signals and the time limit are heeded meanwhile. */
  function goOn(): void {
    if (over) return;
    send(0);
    if (replies !== '') setTimeout(goOn, LOOK_AGAIN);
    else if (!over) input.start();
  }

  /** Writes the replies; what the peer does not take in so many milliseconds is left. A peer that is gone ends the session. */
  function send(patience: number): void {
    const text = replies;
    replies = '';
    try {
      replies = write(text, patience);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const isGone = code === 'EPIPE' || code === 'ECONNRESET'; // nobody is left to read
      if (!isGone) log.write('err', `cannot write a reply: ${message}`);
      finish(isGone ? 0 : 1);
    }
  }

  function finish(status: number): void {
    if (over) return;
    over = true;
    send(LAST_PATIENCE);
    options.end(status);
  }

  const ended = () => finish(0);
  const input = openInput(take, ended);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, ended);
  // smtpd sends a request as soon as it has connected, so the first one is answered before anything else is set up.
  input.first();
  if (options.timeLimit > 0) setTimeout(ended, Math.min(options.timeLimit * 1000, LONGEST_TIMER));
  if (replies === '') input.start();
}

/**
 * Writes the text to descriptor 1. A peer that is slow (EAGAIN) is waited for, `patience` milliseconds in all; returns what is left
 * then. Throws what else goes wrong.
 */
function write(text: string, patience: number): string {
  let left = text;
  for (let waited = 0; left !== ''; ) {
    try {
      left = left.slice(writeSync(1, left, null, 'latin1'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      if (waited++ >= patience) break;
      pause(1);
    }
  }
  return left;
}
