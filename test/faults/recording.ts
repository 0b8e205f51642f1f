// What a run writes to its database and the queue beside it and when it has them flushed, as strace(1) sees it; and the
// files that a power cut at any moment of that run could leave behind.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Random } from '../support/random.ts';

/** The files: the database; the queue, 0 the first that bears its name and 1 the one that takes its place; its directory. */
export type FileName = 'database' | number | 'directory';
export type Event =
  | { kind: 'write'; to: FileName; at: number; data: Buffer }
  | { kind: 'reply' }
  | { kind: 'flush begins'; to: FileName; thread: string }
  | { kind: 'flushed'; to: FileName; thread: string }
  /** The queue's name now leads to the file `to`. */
  | { kind: 'named'; to: number };

const SECTOR = 512;
export const STRACE = [
  '-f',
  '-xx',
  '-s',
  '100000',
  '-y',
  '-e',
  'trace=pwrite64,pwritev,writev,write,lseek,fdatasync,fsync,link,rename',
];

/** Reads strace's output: what concerns `database`, its queue and their directory, and every reply. */
export function readRecording(file: string, database: string): Event[] {
  const events: Event[] = [];
  const unfinished = new Map<string, string>();
  const queue = `${database}-queue`;
  const text = (name: string) =>
    name.startsWith('\\x') ? Buffer.from(name.replaceAll('\\x', ''), 'hex').toString() : name;
  const concerns = (call: string): FileName | undefined => {
    const name = text(/<([^>]*)>/.exec(call)?.[1] ?? '');
    if (name === database) return 'database';
    if (name === path.dirname(database)) return 'directory';
    // A file of the queue begins under another name.
    return name.startsWith(`${queue}.`) ? ends.length : name === queue ? ends.length - 1 : undefined;
  };
  let position = 0;
  const ends: number[] = []; // of the queue's files, as far as they have borne its name
  let nextEnd = 0; // of the one that has not yet
  const lines = readFileSync(file, 'latin1').split('\n');
  for (const line of lines.slice(0, -1)) {
    // what follows the last newline is half written
    const match = /^(\d+) +(.*)$/.exec(line);
    if (match === null) continue;
    const thread = match[1]!;
    let call = match[2]!;
    const isFlush = (call: string) => call.startsWith('fdatasync(') || call.startsWith('fsync(');
    const flushes = isFlush(call) ? concerns(call) : undefined;
    if (flushes !== undefined) events.push({ kind: 'flush begins', to: flushes, thread });
    if (call.endsWith('<unfinished ...>')) {
      unfinished.set(thread, call.slice(0, -' <unfinished ...>'.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call);
    if (resumed !== null) call = (unfinished.get(thread) ?? '') + resumed[1]!;
    if (call.includes('"\\x61\\x63\\x74\\x69\\x6f\\x6e\\x3d')) events.push({ kind: 'reply' });
    const named = /^(?:link|rename)\("([^"]*)", "([^"]*)"\) = 0$/.exec(call);
    if (named !== null && text(named[2]!) === queue) {
      events.push({ kind: 'named', to: ends.length });
      ends.push(nextEnd);
      nextEnd = 0;
    }
    const to = concerns(call);
    if (to === undefined) continue;
    if (isFlush(call)) events.push({ kind: 'flushed', to, thread });
    else if (call.startsWith('lseek(')) position = Number(/= (\d+)$/.exec(call)![1]);
    else {
      const data = Buffer.concat(
        [...call.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((part) =>
          Buffer.from(part[1]!.replaceAll('\\x', ''), 'hex'),
        ),
      );
      const offset = /, (\d+)\) = \d+$/.exec(call);
      if (typeof to === 'number' && call.startsWith('write(')) {
        events.push({ kind: 'write', to, at: ends[to] ?? nextEnd, data });
        if (to < ends.length) ends[to]! += data.length;
        else nextEnd += data.length;
        continue;
      }
      const at = call.startsWith('writev(') || call.startsWith('write(') ? position : Number(offset![1]);
      if (call.startsWith('writev(') || call.startsWith('write(')) position += data.length;
      events.push({ kind: 'write', to, at, data });
    }
  }
  return events;
}

/** Which file the queue's name leads to after a cut before event `cut`: the one that is on the disk, or a later one. */
export function namedAfterCut(all: Event[], cut: number, random: Random): number | undefined {
  let names: number[] = [];
  let begun: number[] = []; // when the flush of the directory began that is under way
  for (const event of all.slice(0, cut)) {
    if (event.kind === 'named') names.push(event.to);
    else if (event.kind === 'flush begins' && event.to === 'directory') begun = [...names];
    else if (event.kind === 'flushed' && event.to === 'directory' && begun.length > 0)
      names = names.slice(names.indexOf(begun.at(-1)!));
  }
  return names.length > 0 ? random.pick(names) : undefined;
}

/**
 * The file `of` after a cut before event `cut`: everything that was written before the last finished flush began, and
 * of what came later any part, in any order, torn between sectors.
 */
export function afterCut(all: Event[], cut: number, of: FileName, random: Random): Buffer {
  const events = all
    .slice(0, cut)
    .filter((event) => event.kind !== 'reply' && event.kind !== 'named' && event.to === of);
  let safe = 0;
  const begun = new Map<string, number>();
  for (let i = 0; i < events.length; i++) {
    const event = events[i]!;
    if (event.kind === 'flush begins') begun.set(event.thread, i);
    if (event.kind === 'flushed') safe = Math.max(safe, begun.get(event.thread) ?? 0);
  }
  let file = Buffer.alloc(0);
  const apply = (at: number, data: Buffer) => {
    if (at + data.length > file.length)
      file = Buffer.concat([file, Buffer.alloc(at + data.length - file.length)]);
    data.copy(file, at);
  };
  const keep = random.next(); // mostly all, mostly nothing, and between
  for (let i = 0; i < events.length; i++) {
    const event = events[i]!;
    if (event.kind !== 'write') continue;
    if (i < safe) apply(event.at, event.data);
    else {
      for (let at = 0; at < event.data.length; at += SECTOR) {
        if (random.chance(keep)) apply(event.at + at, event.data.subarray(at, at + SECTOR));
      }
    }
  }
  return file;
}

/** As a reboot looks to the program: the meta pages were written in another boot. */
export function reboot(file: Buffer): void {
  for (const page of [0, 4096]) if (file.length >= page + 168) file.writeUInt32LE(0x0badb007, page + 160);
}
