// The rows in a dump of an SQL database, as sqlite3's .dump, mysqldump and pg_dump write them: INSERT with and without
// names of columns, of one row or many, and COPY. Everything else in the dump is passed over.
import { withoutReturn } from './lines.ts';
import { type Lines, type Problem, problem } from './record.ts';

interface SqlRow {
  kind: 'row';
  line: number;
  /** The table's name, without schema and quotes. */
  table: string;
  /** Undefined where the dump does not name them. */
  columns: string[] | undefined;
  values: string[];
  /** Whether the dump sets the session's time zone to UTC. */
  utc: boolean;
}

interface Statement {
  table: string;
  columns: string[] | undefined;
}

const NAME = '[\\w.`"]+';
const COLUMNS = '(?:\\s*\\(([\\w\\s,`"]*)\\))?';
const INSERT = new RegExp(`^INSERT\\s+(?:IGNORE\\s+)?INTO\\s+(${NAME})${COLUMNS}\\s*VALUES`, 'i');
const COPY = new RegExp(`^COPY\\s+(${NAME})${COLUMNS}\\s+FROM\\s+stdin;`, 'i');
// Limits: bytes in which the head of a statement is looked for, bytes of a string, values of a row.
const MOST_HEAD = 4096;
const MOST_STRING = 4096;
const MOST_VALUES = 16;

/** Yields the rows of `tables`. */
export async function* readSql(lines: Lines, tables: ReadonlySet<string>): AsyncGenerator<SqlRow | Problem> {
  let place: 'between' | 'insert' | 'copy' = 'between';
  let statement: Statement = { table: '', columns: undefined };
  let backslashes = false; // MySQL's strings have escapes, those of the others have none
  let utc = false;
  let number = 0;
  const named = new RegExp(`^(CREATE TABLE|LOCK TABLES|--).*\\b(${[...tables].join('|')})\\b`, 'i');
  let isOurs = false; // it names one of the tables, if only an empty one
  for await (const whole of lines) {
    number++;
    const line = withoutReturn(whole);
    if (place === 'copy') {
      if (line === '\\.') place = 'between';
      else if (tables.has(statement.table)) {
        const values = line.split('\t').map(fromCopy);
        yield { kind: 'row', line: number, ...statement, values, utc };
      }
      continue;
    }
    const head = line.slice(0, MOST_HEAD);
    isOurs ||= named.test(head);
    if (/^-- (MySQL|MariaDB) dump/.test(head)) backslashes = true;
    if (/TIME_ZONE\s*=\s*'\+00:00'/i.test(head)) utc = true;
    const copy = COPY.exec(head);
    if (copy !== null) {
      statement = statementOf(copy);
      isOurs ||= tables.has(statement.table);
      place = 'copy';
      continue;
    }
    const insert = INSERT.exec(head);
    if (insert !== null) {
      statement = statementOf(insert);
      if (insert[1]!.includes('`')) backslashes = true;
      place = 'insert';
    } else if (place === 'between') continue;
    if (!tables.has(statement.table)) {
      place = 'between';
      continue;
    }
    isOurs = true;
    const rows = rowsOf(line, insert?.[0].length ?? 0, backslashes);
    let next = rows.next();
    for (; next.done !== true; next = rows.next()) {
      if (next.value === undefined) yield problem(number, 'is no row of an SQL dump');
      else yield { kind: 'row', line: number, ...statement, values: next.value, utc };
    }
    if (next.value === 'end') place = 'between';
  }
  if (place !== 'between') yield problem(number, 'the dump ends in the middle of a table: it was cut off');
  else if (!isOurs) {
    yield problem(
      Math.max(1, number),
      `the dump has none of the tables ${[...tables].join(', ')}: is it the right one?`,
    );
  }
}

function statementOf(head: RegExpExecArray): Statement {
  const columns = head[2]?.split(',').map(bare);
  return { table: bare(head[1]!), columns };
}

function bare(name: string): string {
  return name
    .replace(/["`\s]/g, '')
    .replace(/^.*\./, '')
    .toLowerCase();
}

/**
 * Yields the rows `(...), (...)` from `at` on, and undefined for what is no row. Returns whether the statement ends with the
 * line.
 */
function* rowsOf(
  line: string,
  at: number,
  backslashes: boolean,
): Generator<string[] | undefined, 'more' | 'end'> {
  for (;;) {
    at = skip(line, at, ' \t,');
    if (at >= line.length) return 'more';
    if (line[at] === ';') return 'end';
    const row = rowAt(line, at, backslashes);
    yield row?.values;
    const next = row?.end ?? line.indexOf('),(', at) + 2;
    if (row === undefined && next < 2) return line.endsWith(';') ? 'end' : 'more';
    at = next;
  }
}

function rowAt(
  line: string,
  at: number,
  backslashes: boolean,
): { values: string[]; end: number } | undefined {
  if (line[at] !== '(') return undefined;
  const values: string[] = [];
  do {
    const value = valueAt(line, skip(line, at + 1, ' \t'), backslashes);
    if (value === undefined || values.length === MOST_VALUES) return undefined;
    values.push(value.text);
    at = skip(line, value.end, ' \t');
  } while (line[at] === ',');
  return line[at] === ')' ? { values, end: at + 1 } : undefined;
}

function skip(line: string, at: number, what: string): number {
  while (at < line.length && what.includes(line[at]!)) at++;
  return at;
}

/** A number, a word such as NULL, or a string in quotes, perhaps with PostgreSQL's E or MySQL's _binary. */
function valueAt(line: string, at: number, backslashes: boolean): { text: string; end: number } | undefined {
  const plain = /[\w.+:-]{0,40} ?/y;
  plain.lastIndex = at;
  const word = plain.exec(line)![0];
  const start = at + word.length;
  if (line[start] !== "'") return word === '' ? undefined : { text: word.trimEnd(), end: start };
  if (word !== '' && !/^(E|_\w+ ?)$/i.test(word)) return undefined;
  const escapes = backslashes || /^E$/i.test(word);
  // Only a short piece of the line, so that a line whose quotes do not match is not searched again and again.
  const piece = line.slice(start + 1, start + 1 + MOST_STRING);
  let text = '';
  for (let from = 0; ; ) {
    const found = piece.slice(from).search(escapes ? /['\\]/ : /'/);
    if (found < 0) return undefined;
    const stop = from + found;
    text += piece.slice(from, stop);
    const isDouble = piece[stop + 1] === "'";
    if (piece[stop] === "'" && !isDouble) return { text, end: start + 1 + stop + 1 };
    text += isDouble ? "'" : escaped(piece[stop + 1]);
    from = stop + 2;
  }
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', '0': '\0', b: '\b', Z: '\x1a' };

function escaped(character = ''): string {
  return ESCAPES[character] ?? character;
}

const COPY_ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function fromCopy(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(/\\(?:x([\da-f]{1,2})|([0-7]{1,3})|(.))/gis, (_, hex, octal, other) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 255);
    return COPY_ESCAPES[other] ?? other;
  });
}
