// What a list of 100,000 entries costs at the start of a process and with each request: node test/bench/lists.mjs
// [ROUNDS]. Every figure is the least of the rounds, and the median; each round also starts a bare Node, which says
// how fast the machine is just now.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';

const rounds = Number(process.argv[2] ?? 20);
const scratch = mkdtempSync(path.join(tmpdir(), 'lists-'));
const env = { PATH: process.env.PATH };

const measured = `
  import { openClientList } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../src/lists/lists.ts'))};
  const times = [performance.now()];
  const mark = () => times.push(performance.now());
  const list = openClientList([process.argv[2]], { warn: console.error, now: () => 0 });
  mark();
  list.match('mail-12.outbound.example.invalid', '192.0.2.1');
  mark();
  for (let i = 0; i < 10000; i++) list.match('mail-12.outbound.example.invalid', '192.0.2.' + (i & 255));
  mark();
  for (let i = 0; i < 10000; i++) list.match('a.'.repeat(256), '192.0.2.' + (i & 255));
  mark();
  const [start, open, first, usual, long] = times;
  console.log(JSON.stringify([open - start, first - open, (usual - first) / 10, (long - usual) / 10]));
`;

/** Names, addresses, networks of both families, and some regular expressions, in no order. */
function mixedList(entries, expressions) {
  let state = 1;
  const below = (n) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  const word = () => below(2 ** 24).toString(36);
  const group = () => below(65536).toString(16);
  const octets = (n) => Array.from({ length: n }, () => below(224)).join('.');
  const lines = [];
  while (lines.length < entries - expressions) {
    const kind = below(10);
    if (kind < 6) lines.push(`${word()}${lines.length}.example.com`);
    else if (kind < 8) lines.push(octets(4));
    else if (kind < 9) lines.push(`${octets(3)}.0/${16 + below(9)}`);
    else lines.push(`2001:db8:${group()}:${group()}::/64`);
  }
  for (let i = 0; i < expressions; i++) lines.push(`/^mail\\d+\\.${word()}\\.example$/`);
  return `${lines.join('\n')}\n`;
}

const report = (what, unit, values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median] = [sorted[0], sorted[sorted.length >> 1]].map((value) => value.toFixed(2));
  console.log(`  ${what.padEnd(40)} ${least.padStart(8)} ${median.padStart(8)} ${unit}`);
};

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
  const bare = [];
  for (const [entries, expressions] of [
    [0, 0],
    [100_000, 0],
    [100_000, 100],
  ]) {
    const list = path.join(scratch, `${entries}-${expressions}`);
    writeFileSync(list, entries === 0 ? '' : mixedList(entries, expressions));
    const figures = [];
    for (let i = 0; i < rounds; i++) {
      const start = performance.now();
      spawnSync(process.execPath, ['-e', '0'], { env });
      bare.push(performance.now() - start);
      const { stdout } = spawnSync(process.execPath, [program, list], { env, encoding: 'utf8' });
      figures.push(JSON.parse(stdout));
    }
    console.log(`${entries} entries, ${expressions} of them regular expressions (least, median)`);
    const of = (which) => figures.map((figure) => figure[which]);
    report('open', 'ms', of(0));
    report('first look-up', 'ms', of(1));
    report('look-up of an ordinary client', 'us', of(2));
    report('look-up of a name of 512 bytes', 'us', of(3));
  }
  console.log('for comparison');
  report('a bare Node, start to end', 'ms', bare);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
