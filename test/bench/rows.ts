// The rows of the table: what each figure is, and the goal that greylatch has for it, as a ratio to greylist.pl.

export interface Row {
  figure: string;
  title: string;
  /** At most, or at least, this many times greylist.pl's figure; `always`: with --sync always, where it differs. */
  most?: number;
  least?: number;
  always?: { least: number };
  digits?: number;
}

export const ROWS: Row[] = [
  { figure: 'remembered', title: 'remembered afterwards, of {young} triples stored by 20 sessions at once' },
  { figure: 'ended', title: 'sessions that ended without a reply, in all rounds' },
  { figure: 'wrong', title: 'requests with another reply than was due, in all rounds' },
  { figure: 'first-known-1', title: 'first reply, known triple, 1 process (ms)', most: 1.3 },
  { figure: 'first-new-1', title: 'first reply, new triple, 1 process (ms)', most: 1.3 },
  { figure: 'first-known-20', title: 'first reply, known triple, the last of 20 at once (ms)', most: 1.15 },
  { figure: 'first-new-20', title: 'first reply, new triple, the last of 20 at once (ms)', most: 1.15 },
  { figure: 'first-cold', title: 'first reply, known triple, 1 process, page cache cold (ms)' },
  {
    figure: 'life-known',
    title: 'processor time of a process (ms), start to end: 100 known triples',
    digits: 1,
  },
  { figure: 'life-new', title: '... 100 new triples', digits: 1 },
  { figure: 'life-slow', title: '... 20 new triples, two a second', digits: 1 },
  { figure: 'new-1', title: 'new triples/s, 1 session', least: 2.5, always: { least: 0.9 } },
  { figure: 'new-20', title: 'new triples/s, 20 sessions', least: 3, always: { least: 0.8 } },
  { figure: 'known-1', title: 'known triples/s, 1 session', least: 1.5 },
  { figure: 'known-20', title: 'known triples/s, 20 sessions', least: 1.6 },
  { figure: 'new-pinned', title: 'new triples/s, 1 session, all on one core' },
  { figure: 'known-pinned', title: 'known triples/s, 1 session, all on one core' },
  {
    figure: 'mix-p99',
    title: '99 % of 70/30 known/new answered within (ms), 20 sessions',
    most: 0.3,
    digits: 2,
  },
  { figure: 'mix-rate', title: '70/30 known/new a second, 20 sessions' },
  { figure: 'pss', title: 'PSS per process (MB), 20 live, 1,500 requests each', most: 2, digits: 1 },
  { figure: 'pss-rest', title: '... 15 seconds later', most: 2, digits: 1 },
  { figure: 'private', title: '... private', digits: 1 },
  { figure: 'pss-long', title: 'PSS of one of the 20 (MB), {long} requests later', most: 2, digits: 1 },
  { figure: 'pss-long-rest', title: '... 15 seconds later', most: 2, digits: 1 },
  { figure: 'private-long', title: '... private', digits: 1 },
  { figure: 'new-100', title: 'new triples/s, 100 sessions' },
  { figure: 'known-100', title: 'known triples/s, 100 sessions' },
  { figure: 'new-20-cpu', title: 'processor time of a new triple (us), 20 sessions', digits: 1 },
  { figure: 'known-20-cpu', title: 'processor time of a known triple (us), 20 sessions', digits: 1 },
  { figure: 'bytes', title: 'bytes a triple on disk, {stored} triples' },
  { figure: 'new-20-driver', title: "the driver's own part of a core (%), new triples, 20 sessions" },
  { figure: 'known-20-driver', title: "the driver's own part of a core (%), known triples, 20 sessions" },
];

/** Goals that compare with another figure than greylist.pl's. */
export const FURTHER = [
  {
    title: 'new triples/s, 20 sessions, to postgrey',
    figure: 'new-20',
    to: ['postgrey', 'new-20'],
    least: 4,
  },
  {
    title: 'known triples/s, 20 sessions, to postgrey',
    figure: 'known-20',
    to: ['postgrey', 'known-20'],
    least: 10,
  },
  { title: 'new triples/s, 100 sessions, to its own 20', figure: 'new-100', to: ['', 'new-20'], least: 1 },
  {
    title: 'known triples/s, 100 sessions, to its own 20',
    figure: 'known-100',
    to: ['', 'known-20'],
    least: 1,
  },
] as const;
