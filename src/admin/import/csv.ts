// Comma-separated values as in RFC 4180, as records of latin1 strings, so that bytes stay as they are. Not by a library,
// because of bad records: each is reported with its line, and reading goes on with the next line.
import { withoutReturn } from './lines.ts';
import { type Lines, type Problem, problem } from './record.ts';

interface Row {
  kind: 'row';
  /** The record's first line. */
  line: number;
  values: string[];
}

/** The longest record, in bytes: more than four texts of 512 bytes that are all quotes. */
const MOST_RECORD = 8192;

/** The records of a file; empty lines are left out. */
export async function* readCsv(lines: Lines): AsyncGenerator<Row | Problem> {
  const records = newRecords();
  for await (const line of lines) yield* records.add(line);
  yield* records.end();
}

/** One record as a line of a file, without its LF. */
export function csvLine(values: readonly string[]): string {
  return values.map((v) => (/[",\r\n]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v)).join(',');
}

function newRecords() {
  const pending: string[] = [];
  let first = 1; // the number of pending[0]
  let text = ''; // the first `taken` lines of `pending`: a record, or the beginning of one
  let taken = 0;
  let open = false;

  function* settle(isEnd: boolean): Generator<Row | Problem> {
    while (pending.length > 0) {
      while (taken < pending.length && (taken === 0 || open)) {
        const line = pending[taken++]!;
        text = taken === 1 ? line : `${text}\n${line}`;
        if (hasOddQuotes(line)) open = !open;
      }
      if (open && !isEnd && text.length <= MOST_RECORD) return;
      const record = withoutReturn(text);
      const values = open || record.length > MOST_RECORD ? undefined : split(record);
      if (values === undefined)
        yield problem(first, 'is not CSV: its quotes do not match, or it is too long');
      else if (record !== '') yield { kind: 'row', line: first, values };
      const done = values === undefined ? 1 : taken;
      pending.splice(0, done);
      first += done;
      taken = 0;
      open = false;
    }
  }

  return {
    add(line: string) {
      pending.push(line);
      return settle(false);
    },
    end: () => settle(true),
  };
}

function hasOddQuotes(line: string): boolean {
  let odd = false;
  for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) odd = !odd;
  return odd;
}

/** The values of a record; undefined where its quotes do not match. */
function split(record: string): string[] | undefined {
  const values: string[] = [];
  const value = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = value.exec(record);
    if (match === null) return undefined;
    values.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === '') return values;
  }
}
