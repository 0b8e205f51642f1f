// The status for people, as rows of a table. Makes text; writes nothing.
import { problemText } from '../database.ts';
import { bytes, grouped, localTimeAgo, type Paint, plural, visible } from '../text.ts';
import type { EngineStatus } from './engine.ts';
import type { Counts, Status } from './gather.ts';

const MOST = 10; // processes or problems shown

export function rowsOf(status: Status, now: number, paint: Paint): string[][] {
  const { db, size, processes, unseen, lastDamage, problems } = status;
  const trouble =
    lastDamage === undefined
      ? 'none on record'
      : `${localTimeAgo(lastDamage.at, now)}, set aside as ${lastDamage.name}`;
  const others =
    unseen > 0 ? ` (and ${plural(unseen, 'process', 'processes')} that only root may look at)` : '';
  return [
    ['database', db],
    ['size', bytes(size)],
    stateRow(status, paint),
    ...someRows(problems, problemText),
    ...countRows(status, now),
    ['last trouble', trouble],
    ['open in', `${plural(processes.length, 'process', 'processes')}${others}`],
    ...someRows(processes, ({ pid, command }) => `${pid} ${command.split(' ').map(visible).join(' ')}`),
  ];
}

export function rowsOfEngine(status: EngineStatus, now: number, paint: Paint): string[][] {
  const { store, nodes, journal, problems } = status;
  return [
    ['store', store],
    ...nodes.flatMap(({ where, program, version, role, memory, maxMemory, filters }) => [
      ['engine', `${[program, version].join(' ').trim()} at ${where}, ${role ?? 'its role is not known'}`],
      [
        'memory',
        memory === undefined
          ? 'not known: INFO is forbidden'
          : `${bytes(memory)} of ${maxMemory ? bytes(maxMemory) : 'whatever there is'}`,
      ],
      ['filters', filters === undefined ? 'not known: CLIENT LIST is forbidden' : `${filters} connected`],
    ]),
    stateRow(status, paint),
    ...someRows(problems, (what) => what),
    ...countRows(status, now),
    ['this host', journal === 0 ? 'has handed over all' : `has ${bytes(journal)} of decisions to hand over`],
  ];
}

/** Rows below a heading: the first few, and how many more there are. */
function someRows<T>(all: readonly T[], shown: (one: T) => string): string[][] {
  const rows = all.slice(0, MOST).map((one) => ['', shown(one)]);
  return all.length > MOST ? [...rows, ['', `and ${grouped(all.length - MOST)} more`]] : rows;
}

function stateRow({ sound }: { sound: boolean }, paint: Paint): string[] {
  return ['state', sound ? paint('green', 'sound') : paint('red', 'DAMAGED')];
}

function countRows({ triples, clients, oldest, newest }: Counts, now: number): string[][] {
  const time = (at: number | undefined) => (at === undefined ? 'none' : localTimeAgo(at, now));
  return [
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
  ];
}
