// The places that messages can go to. node-unix-socket is loaded with the first message to syslog: a filter with nothing
// to say never loads it.
import { appendFileSync, writeSync } from 'node:fs';
import type { Level, Log, LogTarget } from './log.ts';

const IDENTITY = 'greylatch';

export function openTarget(target: LogTarget): Log {
  if (target === 'syslog') return openSyslog('/dev/log');
  if (target === 'stderr') return lines((line) => void writeSync(2, line));
  const path = target.slice('file:'.length);
  return lines((line) => appendFileSync(path, `${new Date().toISOString()} ${line}`, { mode: 0o600 }));
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
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const LAST_WAIT = 200; // milliseconds that the end of the process waits for the last message

/** syslog(3) on a datagram socket. Node has none of its own; node-unix-socket brings one, prebuilt. */
export function openSyslog(path: string): Log {
  const { DgramSocket } = require('node-unix-socket') as typeof import('node-unix-socket');
  const socket = new DgramSocket();
  socket.on('error', () => {});
  let waiting = 0;
  let closed: (() => void) | undefined;
  return {
    write(level, text) {
      const message = Buffer.from(
        `<${PRIORITY[level]}>${stamp(new Date())} ${IDENTITY}[${process.pid}]: ${text}`,
      );
      waiting++;
      socket.sendTo(message, 0, message.length, path, () => {
        if (--waiting === 0) closed?.();
      });
    },
    close(done) {
      const end = () => {
        closed = undefined;
        clearTimeout(timer);
        socket.close();
        done();
      };
      const timer = setTimeout(end, LAST_WAIT);
      closed = end;
      if (waiting === 0) end();
    },
  };
}

function stamp(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = String(date.getDate()).padStart(2, ' ');
  return `${MONTHS[date.getMonth()]} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
