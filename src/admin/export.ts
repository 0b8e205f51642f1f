// greylatch export: writes everything on record as text, for another host, for another program, or to keep.
import { once } from 'node:events';
import { defineCommand } from '../cli/command.ts';
import { csvLine } from './import/csv.ts';
import { CSV_COLUMNS, toCsv, toJson } from './import/greylatch.ts';
import type { Imported } from './import/record.ts';
import { type Records, withRecords } from './records.ts';
import { tame } from './text.ts';
import { WHERE } from './where.ts';

/**
 * What was seen at `since` (seconds since the epoch) or later, piece by piece; `onPassedOver` is called in the end where
 * something damaged is missing.
 */
export type RecordsOf = (
  records: Records,
  since: number,
  onPassedOver: () => void,
) => AsyncIterable<Iterable<Imported>>;

const WHOLE = 0;
const IN_PART = 1;

const PIECE = 65536; // characters written at once

export const exportCommand = (recordsOf: RecordsOf) =>
  defineCommand({
    name: 'export',
    describe: 'write what is on record to standard output, as JSON lines or CSV',
    text: [
      'Every byte of an address survives. In JSON, a byte that is not ASCII is \\u00XX: "ö" of an address in UTF-8 is \\u00c3\\u00b6; CSV has the bytes as they are, save for control characters on a terminal. Times are in seconds since 1970.',
      'Who wrote to whom, when first and last, whether it passed, and the come-backs of clients: enough for another host to decide alike. How often and when a triple was deferred stays with the host that has seen it, where report and tune look back at it, and so do releases in force; greylatch backup keeps all of it.',
      'greylatch import reads both. Hosts that send each other their exports agree in the end, in whatever order.',
    ],
    options: {
      ...WHERE,
      format: {
        kind: 'choice',
        choices: ['json', 'csv'],
        default: 'json',
        describe:
          'JSON, a line for each record, or CSV with a line of names (RFC 4180; in a spreadsheet, import it as text: addresses may begin with =)',
      },
      since: { kind: 'duration', describe: 'only what may have been seen in this time, e.g. 1d' },
    },
    positionals: {},
    examples: [
      ['export > greylist.json', 'everything'],
      ['export --since 2h', 'from cron, as in: greylatch export --since 2h | ssh mx2 greylatch import -'],
    ],
    statuses: { [WHOLE]: 'written', [IN_PART]: 'what is damaged was passed over, the rest was written' },
    run: (args) =>
      withRecords(args, async (records) => {
        const { format, since } = args;
        const from = since === undefined ? 0 : records.now() - since;
        let status = WHOLE;
        const pieces = recordsOf(records, from, () => {
          status = IN_PART;
        });
        if (format === 'csv') await write(pieces, csvOf, csvLine(CSV_COLUMNS));
        else await write(pieces, toJson);
        return status;
      }),
  });

/** A terminal obeys control characters, which a client may have put into an address. */
function csvOf(record: Imported): string {
  const line = toCsv(record);
  return process.stdout.isTTY ? tame(line) : line;
}

/** Writes no faster than the reader reads, so that not everything has to be held in memory. */
async function write(
  pieces: AsyncIterable<Iterable<Imported>>,
  lineOf: (record: Imported) => string,
  head?: string,
): Promise<void> {
  let text = head === undefined ? '' : `${head}\n`;
  const flush = async () => {
    const taken = process.stdout.write(text, 'latin1');
    text = '';
    if (!taken) await once(process.stdout, 'drain');
  };
  for await (const piece of pieces) {
    for (const record of piece) {
      text += `${lineOf(record)}\n`;
      if (text.length >= PIECE) await flush();
    }
  }
  await flush();
}
