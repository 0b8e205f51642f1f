// greylatch status, beside running filters.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { testScratch } from '../support/scratch.ts';
import { runProgram, useLive } from './live.ts';

const live = useLive('of each');

test('records by kind, who has it open, and that it is sound', async () => {
  await live.more(20);
  await live.ask('192.0.2.1', 'a@example.org', 'b@example.net');
  const { status, out, err } = await live.run('status', '--json');
  const found = JSON.parse(out);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(found).toMatchObject({
    db: live.db,
    triples: { passed: 6000, expired: 2000 },
    clients: { whitelisted: 50, counted: 150, expired: 0 },
    sound: true,
    problems: [],
  });
  expect(found.triples.waiting).toBeGreaterThanOrEqual(12_020);
  expect(found.newest).toBeGreaterThanOrEqual(live.now);
  expect(found.oldest).toBe(live.now - 10 * 86_400);
  expect(found.processes).toHaveLength(3);
  expect(found.lastDamage).toBeUndefined();

  const shown = await live.run('status', '--verify', '--retry-window', '20d', '--auto-whitelist', '1');
  expect(shown.status).toBe(0);
  expect(shown.out).toMatch(/^triples +14,\d{3} waiting, 6,000 passed, 0 expired$/m);
  expect(shown.out).toMatch(/^clients +200 whitelisted, 0 with fewer/m);
  expect(shown.out).toMatch(/^oldest +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(10 d ago\)$/m);
  expect(shown.out).not.toContain('\x1b');
  await live.stop();
});

test('--prometheus writes metrics in one step, readable by others', async () => {
  const file = path.join(live.directory, 'greylatch.prom');
  expect(await live.run('status', '--prometheus', file)).toEqual({ status: 0, out: '', err: '' });
  const text = readFileSync(file, 'utf8');
  expect(text.replace(/# HELP (\w+) .+\n# TYPE \1 gauge\n(\1(\{\w+="\w+"\})? \d+\n)+/g, '')).toBe('');
  expect(text).toContain('greylatch_triples{state="passed"} 6000\n');
  expect(text).toContain('greylatch_database_sound 1\n');
  expect(statSync(file).mode & 0o777).toBe(0o644);
  const both = await live.run('status', '--json', '--prometheus', file); // as report --json --html
  expect(JSON.parse(both.out)).toMatchObject({ triples: { passed: 6000 }, sound: true });
  expect(readdirSync(live.directory).filter((name) => name.startsWith('greylatch.prom'))).toEqual([
    'greylatch.prom',
  ]);
  const refused = await live.run('status', '--prometheus', path.join(live.directory, 'none', 'x.prom'));
  expect(refused).toMatchObject({ status: 2, err: expect.stringMatching(/^greylatch: cannot write .*\n$/) });
  expect(await live.run('status', '--prometheus', live.db)).toEqual({
    status: 2,
    out: '',
    err: `greylatch: ${live.db} is the database itself; name another file\n`,
  });
  await live.stop();
});

test('damage is status 1, and what was set aside is told', async () => {
  await live.stop();
  writeFileSync(`${live.db}.damaged-20260102T030405Z`, '');
  const fd = openSync(live.db, 'r+');
  const { size } = statSync(live.db);
  for (let at = 4096 * 5; at < size; at += 4096 * 7) writeSync(fd, Buffer.alloc(64, 0xa5), 0, 64, at);
  closeSync(fd);
  const pages = await live.run('status', '--json');
  expect(pages.status).toBe(1);
  expect(JSON.parse(pages.out)).toMatchObject({
    sound: false,
    lastDamage: { name: `${live.db}.damaged-20260102T030405Z` },
    processes: [],
  });
  writeFileSync(live.db, Buffer.alloc(8192, 0xa5), { flag: 'r+' });
  const head = await live.run('status');
  expect(head.status).toBe(1);
  expect(head.out).toMatch(/^state +DAMAGED$/m);
});

test('what cannot be read is one line that says what to do', async () => {
  const missing = await runProgram(['status', '--db', path.join(live.directory, 'none.mdb')]);
  expect(missing).toMatchObject({
    status: 2,
    out: '',
    err: expect.stringMatching(/^greylatch: .*none\.mdb does not exist.*--db\n$/),
  });
  const another = testScratch();
  copyFileSync(live.db, path.join(another.path, 'greylist.mdb'));
  chmodSync(another.path, 0o777);
  const open = await runProgram(['status', '--db', path.join(another.path, 'greylist.mdb')]);
  expect(open).toMatchObject({
    status: 2,
    out: '',
    err: expect.stringMatching(/^greylatch: .* writable by everybody.*\n$/),
  });
  await live.stop();
});
