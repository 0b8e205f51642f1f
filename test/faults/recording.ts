// What a run writes to its database and when it has it flushed, as strace(1) sees it; and the files that a power
// cut at any moment of that run could leave behind.
import { readFileSync } from 'node:fs';
import type { Random } from '../support/random.ts';

export type Event =
  | { kind: 'write'; at: number; data: Buffer }
  | { kind: 'reply' }
  | { kind: 'flush begins'; thread: string }
  | { kind: 'flushed'; thread: string };

const SECTOR = 512;
export const STRACE = [
  '-f',
  '-xx',
  '-s',
  '100000',
  '-y',
  '-e',
  'trace=pwrite64,pwritev,writev,write,lseek,fdatasync',
];

/** Reads strace's output: what concerns `database`, and every reply. */
export function readRecording(file: string, database: string): Event[] {
  const events: Event[] = [];
  const unfinished = new Map<string, string>();
  const spelt = hex(database);
  const concerns = (call: string) => call.includes(`<${spelt}>`) || call.includes(`<${database}>`);
  let position = 0;
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const match = /^(\d+) +(.*)$/.exec(line);
    if (match === null) continue;
    const thread = match[1]!;
    let call = match[2]!;
    if (call.startsWith('fdatasync(') && concerns(call)) events.push({ kind: 'flush begins', thread });
    if (call.endsWith('<unfinished ...>')) {
      unfinished.set(thread, call.slice(0, -' <unfinished ...>'.length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call);
    if (resumed !== null) call = (unfinished.get(thread) ?? '') + resumed[1]!;
    if (call.includes('"\\x61\\x63\\x74\\x69\\x6f\\x6e\\x3d')) events.push({ kind: 'reply' });
    if (!concerns(call)) continue;
    if (call.startsWith('fdatasync(')) events.push({ kind: 'flushed', thread });
    else if (call.startsWith('lseek(')) position = Number(/= (\d+)$/.exec(call)![1]);
    else {
      const data = Buffer.concat(
        [...call.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((part) =>
          Buffer.from(part[1]!.replaceAll('\\x', ''), 'hex'),
        ),
      );
      const offset = /, (\d+)\) = \d+$/.exec(call);
      const at = call.startsWith('writev(') || call.startsWith('write(') ? position : Number(offset![1]);
      if (call.startsWith('writev(') || call.startsWith('write(')) position += data.length;
      events.push({ kind: 'write', at, data });
    }
  }
  return events;
}

function hex(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/**
 * The file after a cut before event `cut`: everything that was written before the last finished flush began, and
 * of what came later any part, in any order, torn between sectors.
 */
export function afterCut(events: Event[], cut: number, random: Random): Buffer {
  let safe = 0;
  const begun = new Map<string, number>();
  for (let i = 0; i < cut; i++) {
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
  for (let i = 0; i < cut; i++) {
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
