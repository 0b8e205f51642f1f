// sqlgrey's tables, as CSV or as an SQL dump: connect (waiting triples), from_awl and domain_awl (its auto-whitelists).
import { sqlgreyClient } from './client.ts';
import { readCsv } from './csv.ts';
import { keep } from './lines.ts';
import { checked, type Found, type Lines, problem, type Source } from './record.ts';
import { readSql } from './sql.ts';

/** The columns of each table, in sqlgrey's order. */
const TABLES = {
  connect: ['sender_name', 'sender_domain', 'src', 'rcpt', 'first_seen'],
  from_awl: ['sender_name', 'sender_domain', 'src', 'first_seen', 'last_seen'],
  domain_awl: ['sender_domain', 'src', 'first_seen', 'last_seen'],
} as const;
type Table = keyof typeof TABLES;
const NAMES: ReadonlySet<string> = new Set(Object.keys(TABLES));
/** How sqlgrey stores the null sender, and a sender without a domain. */
const UNDEFINED = '-undef-';

/**
 * A row of `connect` is a triple that waits. A row of an auto-whitelist has no recipient: it says that mail of this client
 * passed, and counts as one come-back. Clients are yielded last, with their sums; they are all that is held in memory.
 */
export async function* readSqlgreySql(lines: Lines, source: Source): AsyncGenerator<Found> {
  const rows = newRows(source);
  for await (const found of readSql(lines, NAMES)) {
    if (found.kind === 'problem') yield found;
    else yield* rows.add(found.line, found.columns ?? TABLES[found.table as Table], found.values, found.utc);
  }
  yield* rows.clients();
}

/** As readSqlgreySql. Columns are found by their names; without a line of names, in sqlgrey's order. */
export async function* readSqlgreyCsv(lines: Lines, source: Source): AsyncGenerator<Found> {
  const rows = newRows(source);
  let columns: readonly string[] | undefined;
  for await (const found of readCsv(lines)) {
    if (found.kind === 'problem') yield found;
    else if (found.values.includes('sender_domain') && found.values.includes('src')) columns = found.values;
    else yield* rows.add(found.line, columns ?? columnsOf(found.values), found.values, false);
  }
  yield* rows.clients();
}

function columnsOf(values: readonly string[]): readonly string[] {
  if (values.length === TABLES.domain_awl.length) return TABLES.domain_awl;
  return timeOf(values[3] ?? '', false) === undefined ? TABLES.connect : TABLES.from_awl;
}

function newRows({ origin }: Source) {
  const counts = new Map<string, { comeBacks: number; lastSeen: number }>();

  function* add(
    line: number,
    columns: readonly string[],
    values: readonly string[],
    utc: boolean,
  ): Generator<Found> {
    if (values.length !== columns.length) {
      yield problem(line, 'has more or fewer values than the table has columns');
      return;
    }
    const value = (name: string) => values[columns.indexOf(name)];
    const client = sqlgreyClient(value('src') ?? '');
    const firstSeen = timeOf(value('first_seen') ?? '', utc);
    const lastSeen = timeOf(value('last_seen') ?? '', utc);
    const recipient = value('rcpt');
    if (client === undefined) {
      yield problem(line, 'has no client: the column src is neither an address nor a network');
    } else if (recipient === undefined) {
      if (lastSeen === undefined) yield problem(line, 'a time is missing, or is not one');
      else {
        const sum = counts.get(client) ?? { comeBacks: 0, lastSeen };
        const newest = Math.max(sum.lastSeen, lastSeen);
        counts.set(keep(client), { comeBacks: sum.comeBacks + 1, lastSeen: newest });
      }
    } else if (firstSeen === undefined) yield problem(line, 'a time is missing, or is not one');
    else {
      const sender = senderOf(value('sender_name') ?? '', value('sender_domain') ?? '');
      const times = { firstSeen, lastSeen: firstSeen, passed: false };
      yield checked(line, { kind: 'triple', client, sender, recipient, ...times, origin });
    }
  }

  function* clients(): Generator<Found> {
    for (const [client, count] of counts) yield { kind: 'client', client, ...count, origin };
  }

  return { add, clients };
}

function senderOf(name: string, domain: string): string {
  if (name === UNDEFINED) return '';
  return domain === UNDEFINED ? name : `${name}@${domain}`;
}

/**
 * Seconds since the epoch: from a number (SQLite), or from date and time in the zone that follows them; without one, in UTC if
 * the dump says so (mysqldump), else in this machine's zone.
 */
function timeOf(text: string, utc: boolean): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text) || undefined;
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text);
  if (match === null) return undefined;
  const [, day, time, zone = utc ? 'Z' : ''] = match;
  const offset = zone.length === 3 ? `${zone}:00` : zone.replace(/(\d\d)(\d\d)$/, '$1:$2');
  const seconds = Date.parse(`${day}T${time}${offset}`) / 1000;
  return Number.isNaN(seconds) || seconds <= 0 ? undefined : seconds;
}
