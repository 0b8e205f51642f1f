// What a host decided by itself, as the bytes of an entry in the journal (journal.ts). Pure.
import { fnv1a, fold } from '../records/fnv.ts';
import type { Triple } from '../store.ts';

/** One decision. Times in seconds since the epoch, by this host's clock. */
export interface Decided extends Triple {
  firstSeen: number;
  /** 0: it was deferred. */
  passed: number;
  /** The pass counts as a come-back of the client. */
  comeBack: boolean;
}

/** One decision in the journal: where it lies there, and how many bytes it takes. */
export interface Noted {
  decided: Decided;
  at: number;
  length: number;
}

// An entry: length of all (2), check (2), flags (1), first seen (4), passed (4), lengths of client and sender (2, 2), then
// client, sender, recipient. Each is appended in one write: those of other processes come between entries, never into one.
const HEAD = 17;

export function encode({ client, sender, recipient, firstSeen, passed, comeBack }: Decided): Buffer {
  const bytes = Buffer.alloc(HEAD + client.length + sender.length + recipient.length);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes[4] = comeBack ? 1 : 0;
  bytes.writeUInt32LE(firstSeen, 5);
  bytes.writeUInt32LE(passed, 9);
  bytes.writeUInt16LE(client.length, 13);
  bytes.writeUInt16LE(sender.length, 15);
  bytes.write(client + sender + recipient, HEAD, 'latin1');
  bytes.writeUInt16LE(check(bytes), 2);
  return bytes;
}

/**
 * The entries in the bytes, and where the first one begins that may go on beyond them; with `isEnd`, none does. What a power
 * cut or a full disk has spoilt, and what is struck out by zeros, is passed over, byte by byte.
 */
export function decode(bytes: Buffer, isEnd: boolean): { entries: Noted[]; rest: number } {
  const entries: Noted[] = [];
  let at = 0;
  while (at + HEAD <= bytes.length) {
    const length = bytes.readUInt16LE(at);
    if (at + length > bytes.length && !isEnd) break;
    const entry = length < HEAD ? undefined : bytes.subarray(at, at + length);
    if (entry === undefined || entry.length < length || !isEntry(entry)) {
      at++;
      continue;
    }
    const sender = HEAD + entry.readUInt16LE(13);
    const recipient = sender + entry.readUInt16LE(15);
    const decided = {
      client: entry.toString('latin1', HEAD, sender),
      sender: entry.toString('latin1', sender, recipient),
      recipient: entry.toString('latin1', recipient),
      firstSeen: entry.readUInt32LE(5),
      passed: entry.readUInt32LE(9),
      comeBack: entry[4] === 1,
    };
    entries.push({ decided, at, length });
    at += length;
  }
  return { entries, rest: at };
}

function isEntry(bytes: Buffer): boolean {
  if (bytes[4]! > 1) return false;
  const addresses = bytes.readUInt16LE(13) + bytes.readUInt16LE(15);
  return HEAD + addresses <= bytes.length && check(bytes) === bytes.readUInt16LE(2);
}

/** FNV-1a over the entry without its check, folded to 16 bits. */
function check(bytes: Buffer): number {
  return fold(fnv1a(bytes, 4, bytes.length, fnv1a(bytes, 0, 2)));
}
