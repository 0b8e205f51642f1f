// Where messages go: syslog, standard error, or a file. node-unix-socket is loaded with the first message to syslog, so a
// filter with nothing to say never loads it.
import { closeSync, constants, openSync, writeFileSync, writeSync } from 'node:fs';
import { monotonic } from '../time/monotonic.ts';
import type { Level, Log, LogTarget } from './log.ts';

const IDENTITY = 'greylatch';
/** O_NONBLOCK, for a named pipe that nobody reads: to open it, or to fill it, would take for ever. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK;

export function openTarget(target: LogTarget): Log {
  if (target === 'syslog') return openSyslog('/dev/log');
  if (target === 'stderr') return lines((line) => void writeSync(2, line));
  const path = target.slice('file:'.length);
  return lines((line) => append(path, `${new Date().toISOString()} ${line}`));
}

function append(path: string, line: string): void {
  const fd = openSync(path, APPEND, 0o600);
  try {
    writeFileSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

function lines(put: (line: string) => void): Log {
  return {
    write: (level, text) =>
      put(`${IDENTITY}[${process.pid}]: ${level === 'info' ? '' : `${level}: `}${text}\n`),
    close: (done) => done(),
  };
}

// RFC 3164: priority is facility * 8 + severity; mail is facility 2.
const PRIORITY: Record<Level, number> = { crit: 18, err: 19, warning: 20, info: 22 };
const LAST_WAIT = 200; // milliseconds that the end of the process waits for the last message
/** A daemon that takes no message for PATIENCE milliseconds is taken to be stuck, and sent nothing for ALONE milliseconds. */
const PATIENCE = 1000;
const ALONE = 60_000;
/** How many messages may wait for it. */
const MOST = 1000;

/**
 * syslog(3) on a datagram socket, which Node itself lacks; node-unix-socket brings one, prebuilt. What the daemon does not
 * take, it offers again without a pause, which takes a whole processor: hence the limits above.
 */
export function openSyslog(path: string, patience = PATIENCE): Log {
  const { DgramSocket } = require('node-unix-socket') as typeof import('node-unix-socket');
  let socket: InstanceType<typeof DgramSocket> | undefined;
  let waiting = 0;
  let taken = 0;
  let lost = 0;
  let aloneUntil = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed: (() => void) | undefined;

  function connect(): InstanceType<typeof DgramSocket> {
    const opened = new DgramSocket();
    opened.on('error', () => {});
    return opened;
  }

  function send(level: Level, text: string): void {
    socket ??= connect();
    const used = socket;
    const message = Buffer.from(
      `<${PRIORITY[level]}>${stamp(new Date())} ${IDENTITY}[${process.pid}]: ${text}`,
    );
    waiting++;
    // Where the daemon takes it at once, this calls back before it returns.
    socket.sendTo(message, 0, message.length, path, () => {
      if (socket !== used) return;
      taken++;
      if (--waiting === 0) closed?.();
    });
    if (waiting > 0) watch();
  }

  function watch(): void {
    const before = taken;
    timer ??= setTimeout(() => {
      timer = undefined;
      if (waiting === 0) return;
      if (taken > before) watch();
      else disconnect();
    }, patience).unref();
  }

  function disconnect(): void {
    lost += waiting;
    waiting = 0;
    aloneUntil = monotonic() + ALONE;
    socket?.close();
    socket = undefined;
    closed?.();
  }

  return {
    write(level, text) {
      if (waiting >= MOST || monotonic() < aloneUntil) {
        lost++;
        return;
      }
      if (lost > 0) send('warning', `${lost} messages before this one are lost: ${path} did not take them`);
      lost = 0;
      send(level, text);
    },
    close(done) {
      const end = () => {
        closed = undefined;
        clearTimeout(last);
        clearTimeout(timer);
        socket?.close();
        done();
      };
      const last = setTimeout(end, LAST_WAIT);
      closed = end;
      if (waiting === 0) end();
    },
  };
}

/** The local time as RFC 3164 has it: `Nov  3 02:03:04`. (Both texts of JavaScript's are the same in every language.) */
function stamp(date: Date): string {
  const month = date.toDateString().slice(4, 7); // of `Tue Nov 03 2026`
  const day = String(date.getDate()).padStart(2, ' ');
  return `${month} ${day} ${date.toTimeString().slice(0, 8)}`;
}
