// greylatch status: the database at a glance, for people, for programs, and for Prometheus.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { LIVES, WHERE, withRecords } from './records.ts';
import { gatherEngine } from './status/engine.ts';
import { gather } from './status/facts.ts';
import { type Paint, rowsOf, rowsOfEngine } from './status/print.ts';
import { metricsOf, metricsOfEngine, putFile } from './status/prometheus.ts';
import { newPaint, table, wantsColour } from './text.ts';

const SOUND = 0;
const DAMAGED = 1;

export const statusCommand = defineCommand({
  name: 'status',
  describe: 'show the database at a glance: records by kind, processes, last trouble, sound or not',
  text: [
    'Reads the records, not every page: --verify does. What counts as expired or whitelisted depends on the options of the filter; give those that its line in master.cf has.',
    'Processes of other users are seen by root only. Of an engine (--store) there are its nodes, their memory and how many filters are connected, and what this host, by --db, has still to hand over; damaged are keys that hold something else. greylatch doctor --store says whether it is set up well.',
  ],
  options: {
    ...WHERE,
    ...LIVES,
    'auto-whitelist': OPTIONS['auto-whitelist'],
    verify: { kind: 'flag', describe: 'check every page, as greylatch verify does' },
    prometheus: {
      kind: 'path',
      describe: "write metrics for node_exporter's textfile collector to this file; -: standard output",
    },
    json: JSON_OUTPUT,
  },
  positionals: {},
  examples: [
    ['status', 'for people; --json for programs'],
    ['status --prometheus /var/lib/node_exporter/greylatch.prom', 'from cron, every few minutes'],
  ],
  statuses: { [SOUND]: 'the database is sound, as far as it was read', [DAMAGED]: 'it is damaged' },
  run: (args) =>
    withRecords(args, async (records) => {
      const now = records.now();
      const limits = { retryWindow: args['retry-window'], maxAge: args['max-age'], maxWaiting: 0 };
      const { db, prometheus, json, verify } = args;
      const settings = { limits, autoWhitelist: args['auto-whitelist'], verify, now };
      const engine = await records.examine?.();
      const [status, rows, metrics] =
        engine === undefined
          ? await viewed(gather(records, db, settings), rowsOf, metricsOf)
          : await viewed(gatherEngine(records, engine, db, settings), rowsOfEngine, metricsOfEngine);
      if (prometheus !== undefined && prometheus !== '-') putFile(prometheus, metrics());
      else if (prometheus === '-') process.stdout.write(metrics());
      else if (json) process.stdout.write(`${JSON.stringify(status)}\n`);
      else process.stdout.write(table(rows(now, newPaint(wantsColour(process.stdout, process.env)))));
      return status.sound ? SOUND : DAMAGED;
    }),
});

/** A status with the ways to show it. */
async function viewed<S>(
  status: Promise<S>,
  rows: (status: S, now: number, paint: Paint) => string[][],
  metrics: (status: S) => string,
) {
  const known = await status;
  return [known, (now: number, paint: Paint) => rows(known, now, paint), () => metrics(known)] as const;
}
