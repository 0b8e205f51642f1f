// Which format a file has, by its first bytes, and the reader for each format.
import { readBerkeley } from './berkeley.ts';
import { readCsvExport, readJson } from './greylatch.ts';
import type { Reader } from './record.ts';
import { readSqlgreyCsv, readSqlgreySql } from './sqlgrey.ts';

export const READERS = {
  json: readJson,
  csv: readCsvExport,
  db_dump: readBerkeley,
  'sqlgrey-csv': readSqlgreyCsv,
  'sqlgrey-sql': readSqlgreySql,
} satisfies Record<string, Reader>;

export type Format = keyof typeof READERS;
export const FORMATS = Object.keys(READERS) as readonly Format[];

/** The format; or for a file of another format, `why` says what to do. */
type Detected = { format: Format } | { why: string };

/** As many bytes as `detectFormat` looks at. */
export const SNIFFED = 65536;

/** Detects the format by the first bytes of a file (SNIFFED of them, or all). */
export function detectFormat(first: Buffer): Detected {
  const text = first.toString('latin1');
  const start = text.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (start === '') return { format: 'json' }; // as greylatch export writes it where nothing is on record
  if (BERKELEY_MAGIC.has(text.slice(12, 16))) {
    return { why: 'is a database of Berkeley DB itself; give the output of: db_dump FILE' };
  }
  if (text.startsWith('SQLite format 3\0')) {
    return { why: 'is a database of SQLite itself; give the output of: sqlite3 FILE .dump' };
  }
  if (text.startsWith('PGDMP')) return { why: 'is an archive of pg_dump; give its plain form: pg_dump -F p' };
  if (text.startsWith('\xde\xc0\xef\xbe', 16) || text.startsWith('\xde\xc0\xef\xbe', 24)) {
    return { why: 'is a database of LMDB itself; on the other machine, run: greylatch export' };
  }
  const format = formatOf(start);
  return format === undefined ? { why: `is of no known format; name it: ${FORMATS.join(', ')}` } : { format };
}

/** Berkeley DB's b-tree and hash, in either byte order. */
const BERKELEY_MAGIC = new Set([
  '\x62\x31\x05\x00',
  '\x00\x05\x31\x62',
  '\x61\x15\x06\x00',
  '\x00\x06\x15\x61',
]);

function formatOf(start: string): Format | undefined {
  const line = start.split(/\r?\n/, 1)[0]!;
  if (/^VERSION=\d/.test(line)) return 'db_dump';
  if (line.startsWith('{')) return 'json';
  const columns = line.split(',').map((column) => column.replace(/^"(.*)"$/, '$1'));
  if (columns.includes('greylatch')) return 'csv';
  if (columns.includes('sender_domain') && columns.includes('src')) return 'sqlgrey-csv';
  if (/^(--|\/\*|PRAGMA |BEGIN\b|(INSERT( IGNORE)? INTO|COPY|CREATE TABLE|SET) )/im.test(line)) {
    return 'sqlgrey-sql';
  }
  return undefined;
}
