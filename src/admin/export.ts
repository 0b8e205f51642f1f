// greylatch export: everything on record as text, for another host, another program, or for keeping.
import { once } from 'node:events';
import { defineCommand } from '../cli/command.ts';
import { OPTIONS } from '../cli/options.ts';
import { csvLine } from './import/csv.ts';
import { CSV_COLUMNS, toCsv, toJson } from './import/greylatch.ts';
import type { Imported } from './import/record.ts';

/** The records of a database that were seen at `since` (seconds since the epoch) or later. */
export type Records = (db: string, since: number) => Iterable<Imported>;

const PIECE = 65536; // characters written at once

export const exportCommand = (records: Records) =>
  defineCommand({
    name: 'export',
    describe: 'write everything on record to standard output, as JSON lines or CSV',
    text: [
      'Every byte of an address survives. In JSON, a byte that is not ASCII is \\u00XX: "ö" of an address in UTF-8 is \\u00c3\\u00b6; CSV has the bytes as they are. Times are in seconds since 1970.',
      'greylatch import reads both. Hosts that send each other their exports agree in the end, in whatever order.',
    ],
    options: {
      db: OPTIONS.db,
      format: {
        kind: 'choice',
        choices: ['json', 'csv'],
        default: 'json',
        describe: 'JSON, a line for each record, or CSV with a line of names (RFC 4180)',
      },
      since: { kind: 'duration', describe: 'only what may have been seen in this time, e.g. 1d' },
    },
    positionals: {},
    examples: [
      ['export > greylist.json', 'everything'],
      ['export --since 2h', 'from cron, as in: greylatch export --since 2h | ssh mx2 greylatch import -'],
    ],
    statuses: { 0: 'written' },
    async run({ db, format, since }) {
      const from = since === undefined ? 0 : Math.floor(Date.now() / 1000) - since;
      await write(format === 'csv' ? csvOf(records(db, from)) : jsonOf(records(db, from)));
      return 0;
    },
  });

function* csvOf(records: Iterable<Imported>): Generator<string> {
  yield csvLine(CSV_COLUMNS);
  for (const record of records) yield toCsv(record);
}

function* jsonOf(records: Iterable<Imported>): Generator<string> {
  for (const record of records) yield toJson(record);
}

/** No faster than they are taken: a slow reader must not make us hold it all. */
async function write(lines: Iterable<string>): Promise<void> {
  let piece = '';
  const flush = async () => {
    const taken = process.stdout.write(piece, 'latin1');
    piece = '';
    if (!taken) await once(process.stdout, 'drain');
  };
  for (const line of lines) {
    piece += `${line}\n`;
    if (piece.length >= PIECE) await flush();
  }
  await flush();
}
