// Whether each entry of the administrator's lists is hit, dead, shadowed by a wider one, or malformed. Pure: asks the filter's
// own matchers about the entries' texts.
import {
  END,
  type Entries,
  HAS,
  HAS_COLON,
  HAS_SLASH,
  LINE,
  newEntries,
  readEntries,
  START,
  WIDTH,
} from '../../lists/bytes.ts';
import { CLIENTS, type ClientMatcher } from '../../lists/clients.ts';
import { type Found, type ListKind, type Matcher, readAtOnce } from '../../lists/list.ts';
import { parseNetwork } from '../../lists/network.ts';
import { RECIPIENTS, type RecipientMatcher } from '../../lists/recipients.ts';
import type { Hits } from '../../store/records/hits.ts';

export interface ListFile {
  path: string;
  bytes: Buffer;
}

/** Returns the record of an entry of a file; for an empty text, the file's own. */
export type HitsOf = (file: string, text: string) => Hits | undefined;

export interface AuditedEntry {
  line: number;
  /** latin1. */
  text: string;
  /** `unused`: it has no hit, but recording has not begun for this file. */
  state: 'hit' | 'dead' | 'unused' | 'shadowed' | 'malformed';
  hits: number;
  /** Seconds since the epoch; 0: never. */
  last: number;
  /** The wider entry that matches in its place. */
  by?: Found & { file: string };
  /** What is wrong with a malformed entry. */
  trouble?: string;
}

export interface AuditedFile {
  file: string;
  /** When the recording of hits began, in seconds since the epoch; 0: it has not. */
  since: number;
  entries: AuditedEntry[];
}

/** The files of `--whitelist-clients`, in the order in which the filter asks them. */
export function auditClients(files: readonly ListFile[], hitsOf: HitsOf): AuditedFile[] {
  return audit(files, CLIENTS, widerClient, hitsOf);
}

/** The files of `--whitelist-recipients`, or of `--only-recipients`. */
export function auditRecipients(files: readonly ListFile[], hitsOf: HitsOf): AuditedFile[] {
  return audit(files, RECIPIENTS, widerRecipient, hitsOf);
}

/** The entry of `list` that matches all that an entry with this text does: a wider one, or the entry itself. */
type Wider<Who extends string[]> = (list: Matcher<Who>, text: string) => Found | undefined;

function audit<Who extends string[]>(
  files: readonly ListFile[],
  kind: ListKind<Who>,
  wider: Wider<Who>,
  hitsOf: HitsOf,
): AuditedFile[] {
  const before: { file: string; list: Matcher<Who> }[] = [];
  const patterns = new Map<string, Found & { file: string }>(); // the first entry of each text
  return files.map(({ path: file, bytes }) => {
    const troubles = new Map<number, string>();
    const list = readAtOnce(kind, bytes, (line, _text, what) => void troubles.set(line, what));
    before.push({ file, list });
    const since = hitsOf(file, '')?.since ?? 0;

    function shadowOf({ line, text }: Found): AuditedEntry['by'] {
      if (isPattern(text)) {
        const first = patterns.get(text);
        if (first === undefined) patterns.set(text, { file, line, text });
        return first;
      }
      for (const one of before) {
        const found = wider(one.list, text);
        // An expression is shadowed only by the same text: what else it covers cannot be known.
        if (found === undefined || isPattern(found.text)) continue;
        const isItself = one.list === list && found.line === line;
        return isItself ? undefined : { file: one.file, ...found };
      }
      return undefined;
    }

    const entries = textsOf(bytes).map((found): AuditedEntry => {
      const { count = 0, last = 0 } = hitsOf(file, found.text) ?? {};
      const entry = { ...found, hits: count, last };
      const trouble = troubles.get(found.line);
      if (trouble !== undefined) return { ...entry, state: 'malformed', trouble };
      const by = shadowOf(found);
      if (by !== undefined) return { ...entry, state: 'shadowed', by };
      return { ...entry, state: count > 0 ? 'hit' : since > 0 ? 'dead' : 'unused' };
    });
    return { file, since, entries };
  });
}

function textsOf(bytes: Buffer): Found[] {
  const { rows, count } = entriesOf(bytes);
  return Array.from({ length: count }, (_, i) => {
    const at = i * WIDTH;
    return {
      line: rows[at + LINE]!,
      text: bytes.toString('latin1', rows[at + START], rows[at + END]),
    };
  });
}

function entriesOf(bytes: Buffer): Entries {
  const entries = newEntries(bytes);
  readEntries(bytes, entries, bytes.length);
  return entries;
}

function isPattern(text: string): boolean {
  return text.startsWith('/');
}

/** The entry of a list of clients that covers this name, address or network. */
export function widerClient(list: ClientMatcher, text: string): Found | undefined {
  const length = lengthOf(text);
  if (length < 0) return list.match(text, '');
  const found = list.match('', firstAddress(text));
  // A narrower network may contain the first address of a wider one.
  return found !== undefined && !isPattern(found.text) && lengthOf(found.text) <= length ? found : undefined;
}

/** A domain stands for all its users, so the list is asked about a user that no entry names. */
function widerRecipient(list: RecipientMatcher, text: string): Found | undefined {
  return list.match(text.includes('@') ? text : `\0@${text}`);
}

/** The length of a network's prefix in 128 bits; -1 for a name (which only its letters tell from a network). */
function lengthOf(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  const { rows } = entriesOf(bytes);
  const has = rows[HAS]!;
  if ((has & ~HAS_SLASH) !== 0 && (has & HAS_COLON) === 0) return -1;
  return parseNetwork(bytes, 0, bytes.length, new Int32Array(4));
}

/** The whole address in a network such as `10.0.0.0/8` or `192.168`. */
function firstAddress(text: string): string {
  const address = text
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\/.*$/, '')
    .replace(/^\[(.*)\]$/, '$1');
  const missing = /^[\d.]+$/.test(address) ? 4 - address.split('.').length : 0;
  return address + '.0'.repeat(missing);
}
