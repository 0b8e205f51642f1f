// What a list of 100,000 entries costs: node test/bench/lists.mjs [ROUNDS], after npm run build. At the start: a filter
// with one request, from spawn to end, in turn without a list, with a short one and with each of the long ones. Per
// request: a look-up before the list is read whole, and after. Every figure is the least of the rounds, and the median;
// "more than without" is the difference of these.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';

const rounds = Number(process.argv[2] ?? 20);
const root = path.resolve(import.meta.dirname, '../..');
const scratch = mkdtempSync(path.join(tmpdir(), 'lists-'));
const env = { PATH: process.env.PATH };
const ENTRIES = 100_000;

const measured = `
  import { openClientList, openRecipientList } from ${JSON.stringify(path.join(root, 'src/lists/lists.ts'))};
  const works = [];
  const [, , kind, file] = process.argv;
  const open = kind === 'clients' ? openClientList : openRecipientList;
  const who = (i) => kind === 'clients'
    ? ['mail-12.outbound.example.invalid', '192.0.2.' + (i & 255)] : ['some.body' + (i & 255) + '@example.invalid'];
  const long = (i) => kind === 'clients' ? ['a.'.repeat(128), '192.0.2.' + (i & 255)] : ['a'.repeat(256) + '@' + i];
  const begin = performance.now();
  const list = open([file], { warn: console.error, now: () => 0, later: (work) => works.push(work) });
  const times = [performance.now()];
  const mark = () => times.push(performance.now());
  for (let i = 0; i < 20; i++) { list.match(...who(i)); mark(); }
  const first = times[1] - begin;
  const early = times.slice(1).map((time, i) => time - times[i]);
  const pieces = [];
  while (works.length > 0) { const start = performance.now(); works.pop()(); pieces.push(performance.now() - start); }
  const start = performance.now();
  for (let i = 0; i < 20000; i++) list.match(...who(i));
  const between = performance.now();
  for (let i = 0; i < 20000; i++) list.match(...long(i));
  const end = performance.now();
  early.sort((a, b) => a - b);
  console.log(JSON.stringify({
    'opening, and the first look-up': first,
    'early look-up': early[10],
    'reading whole, in pieces': pieces.reduce((sum, piece) => sum + piece, 0),
    'the longest piece': Math.max(0, ...pieces),
    'look-up': (between - start) / 20,
    'look-up of a long name': (end - between) / 20,
  }));
`;

let state = 1;
const below = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % n;
};
const word = () => below(2 ** 24).toString(36);
const group = () => below(65536).toString(16);
const octets = (n) => Array.from({ length: n }, () => below(224)).join('.');
const listOf = (entry) => `${Array.from({ length: ENTRIES }, (_, i) => entry(i)).join('\n')}\n`;

const name = (i) => `${word()}${i}.example.com`;
/** A tenth is neither a name nor an address, and of that one in a hundred a regular expression. */
function mixed(i) {
  if (below(10) > 0) return below(3) > 0 ? name(i) : octets(4);
  const kind = below(100);
  if (kind < 40) return `${octets(3)}.0/${16 + below(9)}`;
  if (kind < 60) return `2001:db8:${group()}:${group()}::/64`;
  if (kind < 90) return `# ${word()} is a comment`;
  return kind < 99 ? '' : `/^mail\\d+\\.${word()}\\.example$/`;
}
const lists = {
  none: undefined,
  'a short list': ['clients', 'example.com\n'],
  names: ['clients', listOf(name)],
  mixed: ['clients', listOf(mixed)],
  recipients: ['recipients', listOf((i) => `${word()}@${below(2) > 0 ? name(i) : ''}`)],
};

const request = `${[
  'request=smtpd_access_policy',
  'protocol_state=RCPT',
  'client_name=mail-12.outbound.example.invalid',
  'client_address=192.0.2.1',
  'sender=a@example.org',
  'recipient=some.body@example.invalid',
].join('\n')}\n\n`;

function startFilter(list) {
  const words = ['--db', path.join(scratch, 'db'), '--log', 'none'];
  if (list !== undefined) words.push(`--whitelist-${list.kind}`, list.file);
  const start = performance.now();
  const { stdout } = spawnSync(process.execPath, [path.join(root, 'dist/main.js'), ...words], {
    env,
    input: request,
    encoding: 'utf8',
  });
  const took = performance.now() - start;
  if (!stdout.startsWith('action=')) throw new Error('the filter gave no reply');
  return took;
}

/** The least and the median. */
function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return [sorted[0], sorted[sorted.length >> 1]];
}

function report(what, unit, figures) {
  const [least, median] = figures.map((value) => value.toFixed(2));
  console.log(`  ${what.padEnd(40)} ${least.padStart(8)} ${median.padStart(8)} ${unit}`);
}

try {
  const program = path.join(scratch, 'measured.cjs');
  buildSync({
    stdin: { contents: measured, resolveDir: scratch },
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    outfile: program,
  });
  const runs = Object.entries(lists).map(([what, list], i) => {
    const file = path.join(scratch, `list${i}`);
    if (list !== undefined) writeFileSync(file, list[1]);
    return { what, list: list && { kind: list[0], file }, starts: [], figures: [] };
  });
  startFilter(undefined);
  for (let i = 0; i < rounds; i++) {
    for (const run of runs) run.starts.push(startFilter(run.list));
    for (const { list, figures } of runs) {
      if (list === undefined) continue;
      const words = [program, list.kind, list.file];
      const { stdout } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
      figures.push(JSON.parse(stdout));
    }
  }
  const without = summary(runs[0].starts);
  for (const { what, list, starts, figures } of runs) {
    console.log(`${what} (least, median of ${rounds})`);
    const took = summary(starts);
    report('a start with one request', 'ms', took);
    if (list === undefined) continue;
    const more = took.map((value, i) => value - without[i]);
    report('more than without', 'ms', more);
    for (const figure of Object.keys(figures[0])) {
      const values = summary(figures.map((each) => each[figure]));
      report(figure, figure.startsWith('look-up') ? 'us' : 'ms', values);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
