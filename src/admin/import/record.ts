// What an import brings, as plain data: triples, clients, and lines that could not be read. Knows of no file format and no
// store; the readers beside it make these, ../merge.ts merges them, an export writes them.

/** A (client, sender, recipient) that was seen. Texts are latin1 strings, times are seconds since the epoch. */
export interface ImportedTriple {
  kind: 'triple';
  /** An address as Postfix spells it, or a network (`192.0.2.0/24`) where the source has kept no more of it. */
  client: string;
  sender: string;
  recipient: string;
  firstSeen: number;
  lastSeen: number;
  passed: boolean;
  origin: string;
}

/** A client that came back: its count for the auto-whitelist. */
export interface ImportedClient {
  kind: 'client';
  client: string;
  comeBacks: number;
  lastSeen: number;
  /** Who has counted. A merge keeps one count for each origin, so that an import may be repeated. */
  origin: string;
}

export type Imported = ImportedTriple | ImportedClient;

/** A line that could not be read, counted from 1. `what` has no detail of the line, so that equal problems can be counted. */
export interface Problem {
  kind: 'problem';
  line: number;
  what: string;
}

export type Found = Imported | Problem;

/** What a reader needs to know that the file does not say. */
export interface Source {
  /** Who has counted, where the file does not name anybody. */
  origin: string;
  /** When the file was made, taken for the last time where none is in the file. Seconds since the epoch. */
  asOf: number;
}

/** As `linesOf` gives them. */
export type Lines = AsyncIterable<string>;

/** Reads a file's lines. No input makes it throw, or hold more than a line. */
export type Reader = (lines: Lines, source: Source) => AsyncGenerator<Found>;

/** How many bytes of an attribute a filter looks at. */
const MOST_BYTES = 512;
/** The greatest count, and the latest time. */
export const MOST = 0xffffffff;

export function problem(line: number, what: string): Problem {
  return { kind: 'problem', line, what };
}

/** The record, if a filter could have written it; else what is wrong with it. */
export function checked(line: number, record: Imported): Found {
  const what = wrongWith(record);
  return what === '' ? record : problem(line, what);
}

function wrongWith(record: Imported): string {
  const what = wrongText(record.client) || wrongText(record.origin);
  if (what !== '') return what;
  if (!isTime(record.lastSeen)) return NO_TIME;
  if (record.kind === 'client') return isCount(record.comeBacks) ? '' : 'the count is not a whole number';
  if (!isTime(record.firstSeen)) return NO_TIME;
  if (record.lastSeen < record.firstSeen) return 'was last seen before it was first seen';
  return wrongText(record.sender) || wrongText(record.recipient);
}

const NO_TIME = 'a time is not one in seconds since 1970';

function wrongText(text: string): string {
  if (text.length > MOST_BYTES) return `an address, or the origin, is longer than ${MOST_BYTES} bytes`;
  return /[^\0-\xff]/.test(text) ? 'has characters that are no bytes; write those of UTF-8 one by one' : '';
}

function isTime(value: number): boolean {
  return isCount(value) && value > 0;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MOST;
}
