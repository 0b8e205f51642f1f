// Rubbish from outside, and neighbours that mean no good. GREYLATCH_FUZZ=1000000 sends a million mutated requests.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { greylatch, startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { makeRandom, type Random } from '../support/random.ts';
import { deferred, dunno, policyRequest } from '../support/requests.ts';
import { testScratch } from '../support/scratch.ts';
import { critLines, file, filterIn, requestFor, Smtpd, setAside } from './database.ts';

const FUZZ = Number(process.env.GREYLATCH_FUZZ ?? 20_000);
const A_SESSION = 100; // requests
const MOST_MEMORY = 64 * 1024; // kB over idle

/** The most that it ever had, in kB; 0 of a process that is gone. */
function memoryOf(pid: number): number {
  try {
    const match = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return match === null ? 0 : Number(match[1]);
  } catch {
    return 0;
  }
}

/** A request with some bytes changed, cut out, doubled or stretched, without its last two newlines. */
function mutated(random: Random): Buffer {
  const request = policyRequest({ sender: `s${random.below(1000)}@example.org` });
  let bytes = Buffer.from(request.slice(0, -2), 'latin1');
  for (let i = random.below(4); i > 0; i--) {
    const at = random.below(bytes.length);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at + random.below(3))];
    const between = random.pick([
      Buffer.from([random.below(256)]),
      Buffer.alloc(random.below(2000), random.below(256)),
      Buffer.from('='),
      Buffer.from('\0\xff\r', 'latin1'),
      Buffer.from(bytes.subarray(0, random.below(60))),
    ]);
    bytes = Buffer.concat([head, between, tail]);
  }
  return bytes;
}

describe('rubbish', () => {
  test(`${FUZZ} mutated requests get proper replies or a closed session, in bounded memory`, async () => {
    const scratch = testScratch();
    const random = makeRandom(Number(process.env.GREYLATCH_SEED ?? 1));
    const first = await filterIn(scratch.path);
    await first.ask(policyRequest());
    const idle = memoryOf(first.pid);
    await first.finish();
    const sessions = Math.ceil(FUZZ / A_SESSION);
    let most = 0;
    let whole = 0; // sessions in which all was answered
    for (let session = 0; session < sessions; session++) {
      const filter = await filterIn(scratch.path);
      // One that is not a policy request ends the session, and what follows is not read: mostly that is put right.
      const type = random.chance(0.9) ? '\nrequest=smtpd_access_policy\n\n' : '\n\n';
      // A sane request behind each: however the mutation reads, its end is known.
      for (let i = 0; i < A_SESSION; i++)
        filter.send(Buffer.concat([mutated(random), Buffer.from(type + policyRequest({ sender: 'end' }))]));
      const answered = await filter.replies(2 * A_SESSION).then(
        () => true,
        () => false,
      );
      if (answered) most = Math.max(most, memoryOf(filter.pid));
      const { code, signal } = await filter.finish();
      expect(signal).toBeNull();
      expect([0, 1]).toContain(code);
      if (code === 0 && type !== '\n\n') expect(answered).toBe(true);
      if (code === 0 && answered) whole++;
      expect(filter.everything()).toMatch(/^(action=(dunno|defer_if_permit Service is unavailable)\n\n)*$/);
    }
    expect(whole).toBeGreaterThan(sessions / 2);
    expect(most).toBeGreaterThan(0);
    expect(most - idle).toBeLessThan(MOST_MEMORY);
    expect(setAside(scratch.path)).toEqual([]);
    expect(critLines(scratch.path)).toEqual([]);
  });

  test.each([
    ['a line', (size: number) => Buffer.alloc(size, 'x')],
    ['a request', (size: number) => Buffer.from('a=b\n'.repeat(size / 4))],
  ])('%s of 100 MB takes bounded memory, and ends the session', async (_, make) => {
    const scratch = testScratch();
    const filter = await filterIn(scratch.path);
    await filter.ask(policyRequest());
    const idle = memoryOf(filter.pid);
    filter.send(make(100 * 1024 * 1024));
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, memoryOf(filter.pid));
    }, 5);
    const { code, rest } = await filter.ended;
    clearInterval(watch);
    expect({ code, rest }).toEqual({ code: 1, rest: '' });
    expect(most - idle).toBeLessThan(MOST_MEMORY);
  });

  test('attributes at their limits are values like any other', async () => {
    const scratch = testScratch();
    const long = '\xff'.repeat(512);
    const filter = await filterIn(scratch.path, '--delay', '600');
    const most = policyRequest({ client_address: long, sender: long, recipient: long });
    expect(await filter.ask(Buffer.from(most, 'latin1'))).toBe(deferred);
    expect(await filter.ask(Buffer.from(most, 'latin1'))).toBe(deferred);
    await filter.finish();
    expect(critLines(scratch.path)).toEqual([]);
  });
});

describe('neighbours', () => {
  test('a link in place of the database is not followed', async () => {
    const scratch = testScratch();
    const victim = path.join(scratch.path, 'victim');
    writeFileSync(victim, 'precious');
    mkdirSync(path.join(scratch.path, 'mta'), { mode: 0o700 });
    symlinkSync(victim, file(path.join(scratch.path, 'mta')));
    const smtpd = await Smtpd.start(path.join(scratch.path, 'mta'));
    expect(await smtpd.ask(policyRequest())).toBe(dunno);
    await smtpd.stop();
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(readFileSync(path.join(scratch.path, 'mta/log'), 'utf8')).toContain(
      'is a symbolic link; name the file',
    );
  });

  test.each([
    ['the log', 'log', dunno, '--privacy'],
    ['the key of --privacy', 'greylist.mdb.secret', dunno, '--privacy'],
    ['the journal of --store', 'greylist.mdb.fleet', deferred, '--store', 'redis://127.0.0.1:1'],
  ])('a named pipe in place of %s keeps nobody waiting', async (_, name, answer, ...options) => {
    const scratch = testScratch();
    execFileSync('mkfifo', [path.join(scratch.path, name)]);
    const database = name === 'log' ? path.join(scratch.path, 'none/greylist.mdb') : file(scratch.path);
    const filter = await startFilter(
      greylatch('--db', database, '--log', `file:${scratch.path}/log`, ...options),
      { patience: 15_000 },
    );
    expect(await filter.ask(policyRequest())).toBe(answer);
    expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
  });

  test('a directory that everybody can write, sticky or not, is refused with advice', async () => {
    for (const mode of [0o777, 0o1777]) {
      const scratch = testScratch();
      chmodSync(scratch.path, mode);
      const filter = await startFilter(
        greylatch('--db', file(scratch.path), '--log', `file:${scratch.path}/log`),
      );
      expect(await filter.ask(policyRequest())).toBe(dunno);
      await filter.finish();
      expect(existsSync(file(scratch.path))).toBe(false);
      expect(readFileSync(path.join(scratch.path, 'log'), 'utf8')).toMatch(
        /writable by everybody.*make a directory/,
      );
    }
  });

  test('names that exist already are left alone, and only the newest three damaged files are kept', async () => {
    const scratch = testScratch();
    writeFileSync(`${file(scratch.path)}-queue`, ''); // there was a database
    for (let round = 0; round < 5; round++) {
      writeFileSync(file(scratch.path), 'no database', { mode: 0o600 });
      const smtpd = await Smtpd.start(scratch.path);
      expect(await smtpd.ask(requestFor(round))).toBe(deferred);
      await smtpd.stop();
    }
    expect(setAside(scratch.path)).toHaveLength(3);
    expect(critLines(scratch.path)).toHaveLength(5);
  });
});

suite('a neighbour who runs as the filters do, while root runs a command', ['root'], () => {
  test('a link that takes the lock file’s place right before LMDB opens it does not lead LMDB to a file of root’s', () => {
    const scratch = testScratch();
    const [mta, victim, preload] = ['mta', 'victim', 'swap.cjs'].map((name) => path.join(scratch.path, name));
    writeFileSync(victim!, 'precious', { mode: 0o600 });
    chmodSync(scratch.path, 0o711);
    mkdirSync(mta!);
    chownSync(mta!, 65_534, 65_534);
    const lock = `${file(mta!)}-lock`;
    writeFileSync(
      preload!,
      `const fs = require('node:fs'), { openSync } = fs;
      let swapped = false;
      fs.openSync = (name, ...rest) => {
        const fd = openSync(name, ...rest);
        if (name === ${JSON.stringify(lock)} && !swapped) {
          swapped = true;
          fs.rmSync(name);
          fs.symlinkSync(${JSON.stringify(victim)}, name);
        }
        return fd;
      };`,
    );
    const run = (...options: string[]) => spawnSync(process.execPath, [...options, ...command]);
    const command = [greylatch()[1]!, 'release', '--client', '192.0.2.1', '--db', file(mta!)];
    expect(run().status).toBe(0);
    expect(run('--require', preload!).status).not.toBe(0);
    expect(readlinkSync(lock)).toBe(victim);
    expect(readFileSync(victim!, 'utf8')).toBe('precious');
    expect(statSync(victim!).uid).toBe(0);
  });
});
