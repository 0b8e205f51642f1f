// What a machine refuses to a filter: files that are somebody else's, descriptors, memory, tasks, a look at what boot this is. Mail is
// answered, nobody dies of it, and one line says what to do.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { copyFilter } from '../e2e/copy.ts';
import { greylatch, startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { deferred, dunno } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { file, filterIn, isEmptied, logFile, requestFor } from './database.ts';

const own = useScratch('of each');

const AS_NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];

const log = () => readFileSync(logFile(own.path), 'utf8');

// Some of these let it open the queue, or the database in part.
test.each([1, 2, 3, 4, 5, 6])('with %i descriptors more than Node needs to start', async (more) => {
  writeFileSync(logFile(own.path), '');
  const filter = await limited(`ulimit -n ${leastDescriptors() + more}`);
  for (let i = 0; i < 3; i++) expect(await filter.ask(requestFor(i))).toMatch(/^action=/);
  expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
});

/** Newer versions of Node need more; with fewer it dies, whatever it runs. */
function leastDescriptors(): number {
  const empty = path.join(own.path, 'empty.js');
  writeFileSync(empty, '');
  const starts = (most: number) =>
    spawnSync('sh', ['-c', `ulimit -n ${most}; exec "$@"`, 'sh', process.execPath, empty]).status === 0;
  let most = 15;
  while (!starts(most)) most++;
  return most;
}

// LMDB's map is 64 GB of address space where there are so many. Node takes 0.7 to 1.3 GB before it, depending on its version, and on how
// its threads race at the start: glibc reserves 64 MB for each that asks for memory while another one does.
test.each([0.5, 7, 70])('with %s GB of address space more than Node takes', async (more) => {
  const taken = Number(/^VmPeak:\s+(\d+)/m.exec(await statusOf())![1]);
  const filter = await limited(`ulimit -v ${taken + more * 2 ** 20}`);
  for (let i = 0; i < 20; i++) expect(await filter.ask(requestFor(i))).toBe(deferred);
  await until(async () => (await filter.ask(requestFor(19))) === dunno && isEmptied(own.path));
  expect(await filter.ask(requestFor(0))).toBe(dunno);
  expect(await filter.finish()).toMatchObject({ code: 0, signal: null, rest: '' });
});

test('with less than a map needs, for the file and as much again', async () => {
  const first = await filterIn(own.path);
  expect(await first.ask(requestFor(1))).toBe(deferred);
  await until(async () => (await first.ask(requestFor(1))) === dunno);
  await first.finish();
  truncateSync(file(own.path), 2 ** 32); // a hole, as space for pages to come
  const filter = await limited(`ulimit -v ${8 * 2 ** 20}`);
  expect(await filter.ask(requestFor(1))).toBe(dunno);
  expect(await filter.finish()).toMatchObject({ code: 0, signal: null, rest: '' });
  expect(log()).toMatch(/no memory; raise the limit on address space/);
});

test('with a limit on the size of files that the database has passed, or passes', async () => {
  const first = await filterIn(own.path);
  for (let i = 0; i < 2000; i++) expect(await first.ask(requestFor(i))).toBe(deferred);
  await until(async () => (await first.ask(requestFor(1999))) === dunno && isEmptied(own.path));
  await first.finish();
  const { size } = statSync(file(own.path));
  for (const most of [size / 2, size]) {
    const filter = await limited(`prlimit --pid $$ --fsize=${most}`);
    for (let i = 0; i < 1000; i++) expect(await filter.ask(requestFor(2000 + i))).toMatch(/^action=/);
    expect(await filter.ask(requestFor(1))).toBe(dunno);
    expect(await filter.finish()).toMatchObject({ code: 0, signal: null, rest: '' });
    expect(log()).toMatch(/larger than files may be; raise the limit/);
    writeFileSync(logFile(own.path), '');
  }
});

test('tasks: one thread is enough for the disk, for Node dies where it wants one more than it gets', async () => {
  const without = Number(/^Threads:\s+(\d+)/m.exec(await statusOf())![1]);
  const filter = await filterIn(own.path);
  const threads = () => readdirSync(`/proc/${filter.pid}/task`).length;
  await filter.ask(requestFor(1));
  await until(() => threads() > without);
  await until(async () => (await filter.ask(requestFor(1))) === dunno && isEmptied(own.path));
  expect(threads()).toBe(without + 1);
  expect(await filter.finish()).toMatchObject({ code: 0 });
});

test('the null device, as in a chroot without devices', async () => {
  const without = path.join(own.path, 'without.cjs');
  writeFileSync(
    without,
    `const fs = require('node:fs'), { openSync } = fs;
    fs.openSync = (name, ...rest) => openSync(name === '/dev/null' ? '/nonexistent/null' : name, ...rest);`,
  );
  const filter = await startFilter(greylatch('--db', file(own.path), '--log', 'none'), {
    env: { NODE_OPTIONS: `--require ${without}` },
  });
  expect(await filter.ask(requestFor(1))).toBe(deferred);
  expect(readlinkSync(`/proc/${filter.pid}/fd/2`)).toBe('/');
  expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
});

/** What the kernel says of a filter that has loaded all but the map. */
async function statusOf(): Promise<string> {
  const filter = await startFilter(greylatch('--db', '/nonexistent/greylist.mdb', '--log', 'none'));
  await filter.ask(requestFor(1));
  const status = readFileSync(`/proc/${filter.pid}/status`, 'latin1');
  await filter.finish();
  return status;
}

const limited = (limit: string) =>
  startFilter([
    ...['sh', '-c', `${limit}; exec "$@"`, 'sh'],
    ...greylatch('--db', file(own.path), '--log', `file:${logFile(own.path)}`, '--delay', '0'),
  ]);

suite('as root, for a filter that is not', ['root'], () => {
  const copy = useScratch('of all', 'greylatch-copy-');
  let program = '';
  const made = path.join(copy.path, 'mta');
  beforeAll(async () => {
    chmodSync(copy.path, 0o755);
    program = copyFilter(path.join(copy.path, 'greylatch')); // a checkout may be closed to nobody
    mkdirSync(made);
    chownSync(made, 65_534, 65_534);
    const filter = await asNobody('--db', file(made), '--log', 'none');
    expect(await filter.ask(requestFor(1))).toBe(deferred);
    await until(async () => (await filter.ask(requestFor(1))) === dunno && isEmptied(made));
    expect(await filter.finish()).toMatchObject({ code: 0 });
  });
  beforeEach(() => {
    mkdirSync(path.join(own.path, 'mta'));
    for (const place of [own.path, path.join(own.path, 'mta')]) chmodSync(place, 0o755);
    writeFileSync(logFile(own.path), '');
    chownSync(logFile(own.path), 65_534, 65_534);
  });
  const mta = () => path.join(own.path, 'mta');

  const asNobody = (...options: string[]) => withUmask('022', ...options);

  const withUmask = (mask: string, ...options: string[]) =>
    startFilter([
      ...['sh', '-c', `umask ${mask}; exec "$@"`, 'sh', 'setpriv', ...AS_NOBODY, process.execPath, program],
      ...['--db', file(mta()), '--log', `file:${logFile(own.path)}`, '--delay', '0', ...options],
    ]);

  const byHand = (...words: string[]) =>
    spawnSync('setpriv', [...AS_NOBODY, process.execPath, program, ...words], { encoding: 'utf8' });

  /** A database of nobody's in which the first triple has passed. */
  function make(): void {
    execFileSync('cp', ['-a', `${made}/.`, mta()]);
  }

  test.each(['0277', '0400', '0777'])('its own files, by umask %s', async (mask) => {
    chownSync(mta(), 65_534, 65_534);
    for (const n of [1, 2]) {
      const filter = await withUmask(mask);
      expect(await filter.ask(requestFor(n))).toBe(deferred);
      await until(async () => (await filter.ask(requestFor(n))) === dunno && isEmptied(mta()));
      expect(await filter.finish()).toMatchObject({ code: 0, signal: null, rest: '' });
    }
    expect(log()).toBe('');
  });

  test('a directory of somebody else', async () => {
    const filter = await asNobody();
    for (let i = 0; i < 5; i++) expect(await filter.ask(requestFor(i))).toBe(dunno);
    expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
    expect(log()).toMatch(/^[^\n]*permission denied[^\n]*\n$/);
  });

  test.each([
    ['of root', (lock: string) => chownSync(lock, 0, 0)],
    [
      'of root, for all to read',
      (lock: string) => {
        chownSync(lock, 0, 0);
        chmodSync(lock, 0o644);
      },
    ],
    ['that is write-protected', (lock: string) => chmodSync(lock, 0o444)],
  ])('a lock file %s', async (_, spoil) => {
    make();
    spoil(`${file(mta())}-lock`);
    const filter = await asNobody('--on-error', 'defer');
    expect(await filter.ask(requestFor(1))).toBe(dunno); // known, and this has to be noted
    expect(await filter.ask(requestFor(2))).toBe(deferred);
    expect(await filter.finish()).toMatchObject({ code: 0, signal: null, rest: '' });
    expect(log()).toMatch(/permission denied/);
  });

  test('a database that is write-protected, and a directory that is closed under a running filter', async () => {
    make();
    chmodSync(file(mta()), 0o400);
    const filter = await asNobody('--on-error', 'defer');
    expect(await filter.ask(requestFor(1))).toBe(dunno);
    chmodSync(mta(), 0);
    const end = Date.now() + 1100; // it looks once a second whether the file is still there
    await until(() => Date.now() > end);
    expect(await filter.ask(requestFor(1))).toBe(dunno);
    expect(await filter.finish()).toMatchObject({ code: 0, signal: null, rest: '' });
    expect(log()).toMatch(/permission denied/);
  });

  test('a database that is write-protected: the same trouble, met between requests and at the end, is told once', async () => {
    make();
    chmodSync(file(mta()), 0o400);
    const filter = await asNobody();
    let asked = 1;
    await until(async () => (await filter.ask(requestFor(++asked))) === dunno); // what was queued could not be stored
    await filter.finish();
    const told = log()
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^.*?: /, ''));
    expect(told[0]).toMatch(/cannot write to .*permission denied/);
    expect(told).toEqual([...new Set(told)]);
  });

  test.each(['status', 'list', 'export', 'verify', 'purge', 'compact'])(
    'a database of somebody else, for greylatch %s by hand: it is the caller who is not root',
    (command) => {
      make();
      chownSync(mta(), 0, 0);
      chmodSync(mta(), 0o700);
      const { status, stderr } = byHand(command, '--db', file(mta()));
      expect(status).toBe(2);
      expect(stderr).toMatch(/^greylatch: cannot .*\/greylist\.mdb: permission denied; run this as root\n$/);
    },
  );

  test('a damaged file of root, for greylatch salvage: it is the one that is named', () => {
    chownSync(mta(), 65_534, 65_534);
    const damaged = path.join(own.path, 'damaged');
    writeFileSync(damaged, 'x', { mode: 0o600 });
    for (const from of [damaged, path.join(damaged, 'within')]) {
      const { status, stderr } = byHand('salvage', from, '--into', file(mta()));
      expect(status).toBe(2);
      expect(stderr).toMatch(`greylatch: ${from} cannot be read: E`);
    }
    expect(readdirSync(mta())).toEqual([]);
  });

  test('a look at which boot this is: who may look takes back nothing', async () => {
    // As systemd's ProcSubset=pid has it.
    const hidden = 'mount -t tmpfs none /proc/sys/kernel/random && exec "$@"';
    const options = ['--db', file(own.path), '--log', 'none', '--delay', '0', '--auto-whitelist', '0'];
    const filter = await startFilter(['unshare', '-m', 'sh', '-c', hidden, 'sh', ...greylatch(...options)]);
    for (let i = 0; i < 100; i++) expect(await filter.ask(requestFor(i))).toBe(deferred);
    await until(() => isEmptied(own.path));
    execFileSync(process.execPath, [greylatch()[1]!, 'status', '--db', file(own.path)]);
    const second = Math.floor(Date.now() / 1000);
    await until(() => Date.now() / 1000 > second + 1);
    for (let i = 0; i < 100; i++) expect(await filter.ask(requestFor(i))).toBe(dunno);
    await filter.finish();
  });
});
