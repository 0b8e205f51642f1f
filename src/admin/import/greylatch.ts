// greylatch's own records as text, written and read: JSON lines, and CSV as in RFC 4180. Every byte comes back.
import { asciiJson } from '../text.ts';
import { csvLine, readCsv } from './csv.ts';
import { withoutReturn } from './lines.ts';
import { checked, type Found, type Imported, type Lines, problem, type Source } from './record.ts';

// {"v":1,"kind":"triple","client":"192.0.2.1","sender":"a@example.org","recipient":"b@example.net",
//  "firstSeen":1764000000,"lastSeen":1764000400,"passed":true,"origin":"mx1"}
// {"v":1,"kind":"client","client":"192.0.2.1","comeBacks":3,"lastSeen":1764000400,"origin":"mx1"}
//
// Pure ASCII. A byte of an address that is not ASCII is \u00XX: the "ö" of an SMTPUTF8 address is \u00c3\u00b6.
// CSV has such bytes as they are, and its first line names the columns. Times are seconds since the epoch.

/** The version of both formats. A reader refuses a later one. */
const FORMAT_VERSION = 1;
const NEWER = 'is of a newer version of greylatch, or of none; import it with that one';

export const CSV_COLUMNS = [
  'greylatch',
  'kind',
  'client',
  'sender',
  'recipient',
  'first_seen',
  'last_seen',
  'passed',
  'come_backs',
  'origin',
] as const;

/** One record as a line without its LF. */
export function toJson(record: Imported): string {
  return asciiJson({ v: FORMAT_VERSION, ...record });
}

/** One record as a line without its LF; the line before the first is `csvLine(CSV_COLUMNS)`. */
export function toCsv(record: Imported): string {
  const { kind, client, lastSeen, origin } = record;
  const triple = kind === 'triple' ? record : undefined;
  return csvLine([
    `${FORMAT_VERSION}`,
    kind,
    client,
    triple?.sender ?? '',
    triple?.recipient ?? '',
    `${triple?.firstSeen ?? ''}`,
    `${lastSeen}`,
    triple === undefined ? '' : triple.passed ? 'yes' : 'no',
    kind === 'client' ? `${record.comeBacks}` : '',
    origin,
  ]);
}

export async function* readJson(lines: Lines, source: Source): AsyncGenerator<Found> {
  let number = 0;
  for await (const whole of lines) {
    number++;
    const line = withoutReturn(whole);
    if (line.trim() !== '') yield fromJson(number, line, source);
  }
}

export async function* readCsvExport(lines: Lines, source: Source): AsyncGenerator<Found> {
  let columns: readonly string[] = CSV_COLUMNS;
  for await (const found of readCsv(lines)) {
    if (found.kind === 'problem') yield found;
    else if (found.values.includes('greylatch')) columns = found.values;
    else yield fromCsv(found.line, columns, found.values, source);
  }
}

function fromJson(line: number, text: string, source: Source): Found {
  let read: Record<string, unknown>;
  try {
    read = JSON.parse(text);
  } catch {
    return problem(line, 'is not JSON');
  }
  if (read?.v !== FORMAT_VERSION) return problem(line, NEWER);
  return fromFields(line, read as Fields, source);
}

function fromCsv(line: number, columns: readonly string[], values: readonly string[], source: Source): Found {
  if (values.length !== columns.length) return problem(line, 'has more or fewer values than columns');
  const value = (name: (typeof CSV_COLUMNS)[number]) => values[columns.indexOf(name)] ?? '';
  if (value('greylatch') !== `${FORMAT_VERSION}`) return problem(line, NEWER);
  const passed = value('passed');
  const fields = {
    kind: value('kind'),
    client: value('client'),
    sender: value('sender'),
    recipient: value('recipient'),
    firstSeen: number(value('first_seen')),
    lastSeen: number(value('last_seen')),
    passed: passed === 'yes' ? true : passed === 'no' ? false : undefined,
    comeBacks: number(value('come_backs')),
    origin: columns.includes('origin') ? value('origin') : undefined,
  };
  return fromFields(line, fields, source);
}

/** What a line may hold; `checked` refuses numbers that are none. */
type Fields = Record<string, unknown> & { firstSeen: number; lastSeen: number; comeBacks: number };

function fromFields(line: number, fields: Fields, source: Source): Found {
  const { kind, client, sender, recipient, firstSeen, lastSeen, passed, comeBacks } = fields;
  const origin = fields.origin ?? source.origin;
  if (typeof client !== 'string' || typeof origin !== 'string') return problem(line, 'a text is missing');
  if (kind === 'client') return checked(line, { kind, client, comeBacks, lastSeen, origin });
  if (kind !== 'triple') return problem(line, 'is neither a triple nor a client');
  if (typeof sender !== 'string' || typeof recipient !== 'string') return problem(line, 'a text is missing');
  if (typeof passed !== 'boolean') return problem(line, 'says neither that it passed nor that it did not');
  return checked(line, { kind, client, sender, recipient, firstSeen, lastSeen, passed, origin });
}

/** NaN where it is none, which `checked` refuses. */
function number(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
}
