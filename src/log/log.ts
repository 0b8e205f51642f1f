// The filter's log. It never writes to a descriptor that Postfix reads, and no reply waits or fails because of it.

export type Level = 'crit' | 'err' | 'warning' | 'info';

export interface Log {
  write(level: Level, text: string): void;
  /** Calls back once all messages are written, or cannot be. */
  close(done: () => void): void;
}

/** Where messages go, as --log says. */
export type LogTarget = 'syslog' | 'stderr' | 'none' | `file:${string}`;

const MOST_TEXT = 900; // characters: fits into one datagram of syslog

/**
 * A log that opens its target with the first message. What cannot be written there goes to `other` and says why: otherwise
 * nobody would notice that, say, the file belongs to another user.
 */
export function newLog(target: LogTarget, open: (target: LogTarget) => Log, other: LogTarget): Log {
  const logs = new Map<LogTarget, Log>();

  function put(to: LogTarget, level: Level, text: string): void {
    const log = logs.get(to) ?? open(to);
    logs.set(to, log);
    log.write(level, cut(printable(text)));
  }

  return {
    write(level, text) {
      if (target === 'none') return;
      try {
        put(target, level, text);
      } catch (error) {
        if (other === target) return;
        try {
          put(
            other,
            level,
            `--log ${target} cannot be written (${(error as Error).message}), where this belongs: ${text}`,
          );
        } catch {
          // a log that cannot be written must not disturb the mail
        }
      }
    },
    close(done) {
      let left = logs.size;
      if (left === 0) done();
      for (const log of logs.values()) log.close(() => --left === 0 && done());
    },
  };
}

/** Text as one line of printable ASCII: any other byte that a client put into an attribute becomes \xNN. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function cut(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}...` : text;
}

/** Seconds between two messages about the same trouble. */
const ONCE_IN = 60;

/** A function that logs messages of one kind at most once in ONCE_IN seconds, with how many were held back since. */
export function sparingly(log: Log, clock: () => number): (level: Level, kind: string, text: string) => void {
  const last = new Map<string, { at: number; kept: number }>();
  return (level, kind, text) => {
    const now = clock();
    const before = last.get(kind);
    if (before !== undefined && Math.abs(now - before.at) < ONCE_IN) {
      before.kept++;
      return;
    }
    const kept =
      before === undefined || before.kept === 0 ? '' : ` (and ${before.kept} times since the last message)`;
    last.set(kind, { at: now, kept: 0 });
    log.write(level, text + kept);
  };
}
