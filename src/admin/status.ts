// greylatch status: the database at a glance, for people, for programs, and for Prometheus.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { refuseDatabase } from './database.ts';
import { withRecords } from './records.ts';
import { gatherEngine } from './status/engine.ts';
import { gather } from './status/gather.ts';
import { rowsOf, rowsOfEngine } from './status/print.ts';
import { metricsOf, metricsOfEngine } from './status/prometheus.ts';
import { paintForOutput, table } from './text.ts';
import { LIVES, livesOf, WHERE } from './where.ts';
import { print, writeOut } from './write.ts';

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
      const lives = livesOf(args);
      const { db, prometheus, json, verify } = args;
      if (prometheus !== undefined) refuseDatabase(prometheus, db);
      const settings = { lives, autoWhitelist: args['auto-whitelist'], verify, now };
      const engine = await records.examine?.();
      const status =
        engine === undefined
          ? await gather(records, db, settings)
          : await gatherEngine(records, engine, db, settings);
      const isEngine = 'nodes' in status;
      if (prometheus !== undefined)
        writeOut(prometheus, isEngine ? metricsOfEngine(status) : metricsOf(status));
      const paint = paintForOutput();
      if (json) print(status);
      else if (prometheus === undefined)
        print(table(isEngine ? rowsOfEngine(status, now, paint) : rowsOf(status, now, paint)));
      return status.sound ? SOUND : DAMAGED;
    }),
});
