// greylatch status: the database at a glance, for people, for programs, and for Prometheus.
import { defineCommand } from '../cli/command.ts';
import { JSON_OUTPUT, OPTIONS } from '../cli/options.ts';
import { gather, type Status } from './status/facts.ts';
import { metricsOf, putFile } from './status/prometheus.ts';
import { ago, bytes, grouped, localTime, newPaint, plural, table, visible, wantsColour } from './text.ts';

const SOUND = 0;
const DAMAGED = 1;
const MOST = 10; // processes or problems shown

export const statusCommand = defineCommand({
  name: 'status',
  describe: 'show the database at a glance: records by kind, processes, last trouble, sound or not',
  text: [
    'Reads the records, not every page: --verify does. What counts as expired or whitelisted depends on the options of the filter; give those that its line in master.cf has.',
    'Processes of other users are seen by root only.',
  ],
  options: {
    db: OPTIONS.db,
    'retry-window': OPTIONS['retry-window'],
    'max-age': OPTIONS['max-age'],
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
  run(args) {
    const now = Math.floor(Date.now() / 1000);
    const limits = { retryWindow: args['retry-window'], maxAge: args['max-age'], maxWaiting: 0 };
    const status = gather(args.db, {
      limits,
      autoWhitelist: args['auto-whitelist'],
      verify: args.verify,
      now,
    });
    const { prometheus, json } = args;
    if (prometheus !== undefined && prometheus !== '-') putFile(prometheus, metricsOf(status));
    else if (prometheus === '-') process.stdout.write(metricsOf(status));
    else if (json) process.stdout.write(`${JSON.stringify(status)}\n`);
    else process.stdout.write(shown(status, now, wantsColour(process.stdout, process.env)));
    return status.sound ? SOUND : DAMAGED;
  },
});

function shown(status: Status, now: number, colour: boolean): string {
  const { db, size, triples, clients, oldest, newest, processes, unseen, lastDamage, problems } = status;
  const paint = newPaint(colour);
  const time = (at: number | undefined) => (at === undefined ? 'none' : `${localTime(at)} (${ago(at, now)})`);
  const rows = [
    ['database', db],
    ['size', bytes(size)],
    ['state', status.sound ? paint('green', 'sound') : paint('red', 'DAMAGED')],
    ...problems
      .slice(0, MOST)
      .map(({ page, what }) => ['', page === undefined ? what : `page ${page} ${what}`]),
    [
      'triples',
      `${grouped(triples.waiting)} waiting, ${grouped(triples.passed)} passed, ${grouped(triples.expired)} expired`,
    ],
    [
      'clients',
      `${grouped(clients.whitelisted)} whitelisted, ${grouped(clients.counted)} with fewer come-backs, ${grouped(clients.expired)} expired`,
    ],
    ['oldest', time(oldest)],
    ['newest', time(newest)],
    [
      'last trouble',
      lastDamage === undefined ? 'none on record' : `${time(lastDamage.at)}, set aside as ${lastDamage.name}`,
    ],
    [
      'open in',
      `${plural(processes.length, 'process', 'processes')}${unseen > 0 ? ` (and ${plural(unseen, 'process', 'processes')} that only root may look at)` : ''}`,
    ],
    ...processes
      .slice(0, MOST)
      .map(({ pid, command }) => ['', `${pid} ${command.split(' ').map(visible).join(' ')}`]),
    ...(processes.length > MOST ? [['', `and ${processes.length - MOST} more`]] : []),
  ];
  return table(rows);
}
