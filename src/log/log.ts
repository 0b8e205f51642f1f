// What the filter has to say, and where it says it. Never to a descriptor that Postfix listens on, and never
// so that a reply waits or fails for it.

export type Level = 'crit' | 'err' | 'warning' | 'info';

export interface Log {
  write(level: Level, text: string): void;
  /** Calls back when everything written is out, or cannot be. */
  close(done: () => void): void;
}

/** Where messages go: a word of `--log`, or `file:` and a path. */
export type LogTarget = 'syslog' | 'stderr' | 'none' | `file:${string}`;

const MOST_TEXT = 900; // one datagram of syslog, one line of a log

/**
 * A log that opens its target with the first message, and only then. What cannot be written there goes to `other`: a file
 * may belong to somebody else, which nobody would notice.
 */
export function newLog(target: LogTarget, open: (target: LogTarget) => Log, other?: LogTarget): Log {
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
        if (other === undefined || other === target) return;
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

/** On one line, whatever a client put into its attributes: control bytes and non-ASCII ones become \xNN. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function cut(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}...` : text;
}

/** Seconds between two messages about the same trouble. */
const ONCE_IN = 60;

/** A function that lets the same kind of message through once in ONCE_IN seconds, and says how many it kept back. */
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
