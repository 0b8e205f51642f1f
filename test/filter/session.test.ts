// The life of a filter as a process: how it ends, with which status, and that only replies leave it. What happens between
// requests is asked of a session in this process, whose requests come from the test.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs, { openSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Take } from '../../src/filter/input.ts';
import { runSession } from '../../src/filter/session.ts';
import { greylatch, startFilter, startPiped } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { attributes, deferred, dunno, policyRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { unmock } from '../support/unmock.ts';
import { until } from '../support/until.ts';

const scratch = useScratch('of all');
const database = path.join(scratch.path, 'greylist.mdb');
const command = greylatch('--db', database, '--log', 'none');

/** The filter's command line, with a script that is loaded before it. */
function commandWith(name: string, script: string, ...options: string[]): string[] {
  const preloaded = path.join(scratch.path, `${name}.cjs`);
  writeFileSync(preloaded, script);
  const [node, ...words] = greylatch('--db', database, ...options);
  return [node!, '--require', preloaded, ...words];
}

describe('a filter leaves', () => {
  test('with status 0 at end of file, soon, also in the middle of a request', async () => {
    const filter = await startFilter(command);
    expect(await filter.ask(policyRequest())).toBe(deferred);
    filter.send('request=smtpd_access_policy\nsender=');
    const { code, rest, lag } = await filter.finish();
    expect({ code, rest }).toEqual({ code: 0, rest: '' });
    expect(lag).toBeLessThan(2000); // 100 ms is the aim; on a busy machine it may be more
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('with status 0 at %s', async (signal) => {
    const filter = await startFilter(command);
    await filter.ask(policyRequest());
    expect(await filter.kill(signal)).toMatchObject({ code: 0, signal: null, rest: '' });
  });

  test('at SIGTERM also where requests come through a pipe', async () => {
    const filter = startPiped(command);
    await filter.ask(policyRequest());
    expect(await filter.kill('SIGTERM')).toMatchObject({ code: 0, signal: null });
  });

  test('with status 0 at a signal before its first request', async () => {
    const waits = path.join(scratch.path, 'waits');
    const script = `setTimeout(() => require('node:fs').writeFileSync(${JSON.stringify(waits)}, ''), 0);`;
    const filter = await startFilter(commandWith('waiting', script, '--log', 'none'));
    await until(() => fs.existsSync(waits));
    expect(await filter.kill('SIGTERM')).toMatchObject({ code: 0, signal: null, rest: '' });
  });

  test('with status 0 at SIGTERM, while its peer reads no replies', async () => {
    const tried = path.join(scratch.path, 'tried');
    const stuck = breakWrites(`fs.closeSync(fs.openSync(${JSON.stringify(tried)}, 'a')); fail('EAGAIN');`);
    const filter = await startFilter(commandWith('stuck', stuck, '--log', 'none'));
    filter.send(policyRequest());
    await until(() => fs.existsSync(tried));
    expect(await filter.kill('SIGTERM')).toMatchObject({ code: 0, signal: null, rest: '' });
  });

  test('with status 0 at its time limit, while it waits for its first request, or for the next one', async () => {
    const limited = [...command, '--time-limit', '1'];
    const filters = await Promise.all([startFilter(limited), startFilter(limited)]);
    await filters[1].ask(policyRequest());
    for (const { ended } of filters) expect(await ended).toMatchObject({ code: 0, signal: null, rest: '' });
  });

  test('not before a time limit that is longer than a timer of Node', async () => {
    const filter = await startFilter([...command, '--time-limit', '52w']);
    for (let i = 0; i < 200; i++) expect(await filter.ask(policyRequest())).toBe(deferred);
    expect(await filter.finish()).toMatchObject({ code: 0, signal: null, rest: '' });
  });

  test('with status 0 when nobody reads its replies', async () => {
    const filter = startPiped(command);
    filter.send(policyRequest().repeat(2000));
    expect(await filter.hangUp()).toMatchObject({ code: 0, signal: null });
  });

  test('with status 1 and no reply at a request of another type, after the replies before it', async () => {
    for (const wrong of ['request=junk\n\n', 'sender=a\n\n', '\n']) {
      const filter = await startFilter(command);
      filter.send(policyRequest() + wrong + policyRequest());
      expect(await filter.ended).toMatchObject({ code: 1, rest: `${deferred}\n\n` });
    }
  });

  test.each([
    ['of another type', 'request=junk\n\n', "unrecognized request type: 'junk'"],
    ['with too long a line', `${'x'.repeat(70_000)}\n`, 'a line of more than 65536 bytes: the session ends'],
    ['that is too long', 'a=b\n'.repeat(300_000), 'a request of more than 1048576 bytes: the session ends'],
  ])(
    'at a request %s, which it says: it answers none behind it, also where its end takes a while',
    async (_, wrong, said) => {
      // As where syslog is slow to take the last message; meanwhile all that was sent is read.
      const slow = 'const { exit } = process; process.exit = (status) => void setTimeout(exit, 200, status);';
      const log = path.join(scratch.path, `log-${wrong.length}`);
      const filter = await startFilter(commandWith('slow', slow, '--log', `file:${log}`));
      filter.send(policyRequest() + wrong + policyRequest().repeat(100));
      expect(await filter.ended).toMatchObject({ code: 1, rest: `${deferred}\n\n` });
      expect(readFileSync(log, 'utf8')).toMatch(new RegExp(`^\\S+ greylatch\\[\\d+\\]: err: ${said}\n$`));
    },
  );

  test('with status 1 and no reply when it cannot use its database and is told to', async () => {
    const filter = await startFilter(
      greylatch('--db', '/tmp/greylist.mdb', '--on-error', 'exit', '--log', 'none'),
    );
    filter.send(policyRequest());
    expect(await filter.ended).toMatchObject({ code: 1, rest: '' });
  });
});

/** Breaks the writing of replies: `change` is the body of what stands in for writeSync(_, text, ...rest). */
const breakWrites = (change: string) => `
  const fs = require('node:fs');
  const { writeSync } = fs;
  const { wait } = Atomics;
  const fail = (code) => { throw Object.assign(new Error(code), { code }); };
  let waited = false;
  Atomics.wait = (...words) => { waited = true; return wait(...words); };
  fs.writeSync = (_, text, ...rest) => { ${change} };`;

test('a peer that is slow to read gets each reply whole', async () => {
  const slow = breakWrites(`
    if (!waited) fail('EAGAIN');
    waited = false;
    return writeSync(1, text.slice(0, 7), ...rest);`);
  const filter = await startFilter(commandWith('slowly', slow, '--log', 'none'));
  const request = policyRequest({ sasl_username: 'ann' });
  expect(await filter.ask(request)).toBe(dunno);
  filter.send(request.repeat(3));
  expect(await filter.replies(3)).toEqual([dunno, dunno, dunno]);
  expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
});

test.each(['EPIPE', 'ECONNRESET'])('a peer that is gone, %s, is no error', async (code) => {
  const log = path.join(scratch.path, `log-${code}`);
  const filter = await startFilter(
    commandWith(code, breakWrites(`fail('${code}');`), '--log', `file:${log}`),
  );
  filter.send(policyRequest());
  expect(await filter.ended).toMatchObject({ code: 0, rest: '' });
  expect(fs.existsSync(log)).toBe(false);
});

test('replies that cannot be written are an error, and said', () => {
  const full = openSync('/dev/full', 'w');
  const [node, ...words] = command.slice(0, -2);
  const run = spawnSync(node!, words, {
    input: policyRequest(),
    stdio: ['pipe', full, 'pipe'],
    encoding: 'utf8',
  });
  expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining('cannot write a reply: ENOSPC') });
});

test('-v logs each attribute and each action', async () => {
  const log = path.join(scratch.path, 'log-v');
  const filter = await startFilter(greylatch('--db', database, '--log', `file:${log}`, '-v'));
  await filter.ask(policyRequest({ sasl_username: 'ann' }));
  await filter.finish();
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => line.replace(/^\S+ greylatch\[\d+\]: /, ''))).toEqual([
    ...attributes({ sasl_username: 'ann' }).map(([name, value]) => `Attribute: ${name}=${value}`),
    'Action: dunno',
  ]);
});

describe('nothing but replies', () => {
  test.each([
    ['garbage in', [], 'rubbish\n=x\n'],
    ['every attribute logged to standard error', ['-v', '--log', 'stderr'], ''],
    ['a place that is refused', ['--db', '/tmp/greylist.mdb', '--on-error', 'defer', '--log', 'stderr'], ''],
  ])('with %s', async (_, options, before) => {
    const filter = await startFilter([...greylatch('--db', database), ...options]);
    expect(await filter.ask(before + policyRequest())).toBe(deferred);
    expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
    expect(filter.everything()).toBe(`${deferred}\n\n`);
  });

  test.each([
    [['--delay', 'soon']],
    [['delay', '5m']],
    [['status']],
    [['--help']],
    [['--dry-run=yes']],
    [['-v5']],
  ])(
    'with a wrong command line, %j: not a byte, status 2, and a word in the log that it names',
    async (words) => {
      const log = path.join(scratch.path, `log-${words.join('')}`);
      const filter = await startFilter(greylatch(...words, '--log', `file:${log}`));
      filter.send(policyRequest());
      expect(await filter.ended).toMatchObject({ code: 2, rest: '' });
      expect(readFileSync(log, 'utf8')).toMatch(/ greylatch\[\d+\]: err: .*--help lists the options/);
    },
  );
});

test('facts that cannot be written are an error, and said', () => {
  const full = openSync('/dev/full', 'w');
  const [node, ...words] = greylatch('list', '--json', '--db', database);
  const run = spawnSync(node!, words, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
  expect(run).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('cannot write to standard output: ENOSPC'),
  });
});

const input = vi.hoisted(() => ({
  ...{ take: (() => {}) as Take, ended: () => {}, calls: [] as string[] },
  atOnce: '', // what is there at the start
}));
vi.mock('../../src/time/pause.ts', () => ({ pause: () => {} }));
vi.mock('../../src/filter/input.ts', () => {
  const openInput = (take: Take, ended: () => void) => {
    Object.assign(input, { take, ended, calls: [] });
    const call = (name: string) => () => void input.calls.push(name);
    const first = () => {
      call('first')();
      if (input.atOnce !== '') take(Buffer.from(input.atOnce), input.atOnce.length);
    };
    return { first, start: call('start'), stop: call('stop') };
  };
  return { openInput };
});

describe('between requests', () => {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  const before = signals.map((signal) => process.listeners(signal));
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => {
    vi.useRealTimers();
    unmock();
    signals.forEach((signal, i) => {
      for (const one of process.listeners(signal)) if (!before[i]!.includes(one)) process.off(signal, one);
    });
  });

  /**
   * A session in this process. `ask` sends it a request; `tidied` and `ends` note what it calls, with what it had written by then,
   * `replies` what it writes, of which `room` is left; with a `fault`, writing fails.
   */
  function session(
    timeLimit: number,
    answer: () => string | undefined = () => 'dunno',
    room = Number.POSITIVE_INFINITY,
  ) {
    const noted = {
      ...{ tidied: 0, ends: [] as number[], writtenAtEnd: '', said: [] as string[] },
      ...{ replies: '', room, fault: '' },
    };
    vi.spyOn(fs, 'writeSync').mockImplementation((_, text) => {
      if (noted.fault !== '') throw Object.assign(new Error(noted.fault), { code: noted.fault });
      if (noted.room === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      const taken = String(text).slice(0, noted.room);
      noted.room -= taken.length;
      noted.replies += taken;
      return taken.length;
    });
    syncBuiltinESMExports();
    runSession({
      answer,
      tidy: () => void noted.tidied++,
      timeLimit,
      verbose: false,
      log: { write: (level, text) => void noted.said.push(`${level}: ${text}`), close: (done) => done() },
      end(status) {
        noted.ends.push(status);
        noted.writtenAtEnd = noted.replies;
      },
    });
    const bytes = Buffer.from(policyRequest());
    return Object.assign(noted, { ask: () => input.take(bytes, bytes.length) });
  }

  test('it tidies up once, a second after a reply, and while it is idle never', () => {
    const one = session(0);
    vi.advanceTimersByTime(5000);
    one.ask();
    vi.advanceTimersByTime(999);
    one.ask();
    expect(one.tidied).toBe(0);
    vi.advanceTimersByTime(1);
    expect(one.tidied).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(one.tidied).toBe(1);
    one.ask();
    vi.advanceTimersByTime(1000);
    expect(one.tidied).toBe(2);
    expect(one.replies).toBe(`${dunno}\n\n`.repeat(3));
    expect(input.calls).toEqual(['first', 'start']);
  });

  test('once it is over, it ends once, tidies up no more, and answers nothing', () => {
    const one = session(0);
    one.ask();
    input.ended();
    input.ended();
    one.ask();
    vi.advanceTimersByTime(60_000);
    expect(one).toMatchObject({ ends: [0], tidied: 0, replies: `${dunno}\n\n` });
  });

  test('behind a request that gets no answer, none gets one', () => {
    const answers = ['defer', undefined, 'dunno', 'dunno'];
    const one = session(0, () => answers.shift());
    const three = Buffer.from(policyRequest().repeat(3));
    input.take(three, three.length);
    one.ask();
    expect(one).toMatchObject({ ends: [1], replies: 'action=defer\n\n', writtenAtEnd: 'action=defer\n\n' });
  });

  test('while its peer reads nothing it takes nothing from it, and goes on where it stopped', () => {
    const one = session(0);
    Object.assign(one, { room: 7 });
    one.ask();
    vi.advanceTimersByTime(5000);
    expect([input.calls, one.replies.length]).toEqual([['first', 'start', 'stop'], 7]);
    Object.assign(one, { room: Number.POSITIVE_INFINITY });
    vi.advanceTimersByTime(5000);
    expect(input.calls).toEqual(['first', 'start', 'stop', 'start']);
    one.ask();
    expect(one).toMatchObject({ replies: `${dunno}\n\n`.repeat(2), ends: [] });
  });

  test('a peer that reads nothing does not put off its time limit', () => {
    const one = session(3);
    Object.assign(one, { room: 0 });
    one.ask();
    vi.advanceTimersByTime(2999);
    expect(one.ends).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect([one.ends, input.calls]).toEqual([[0], ['first', 'start', 'stop']]);
    Object.assign(one, { room: Number.POSITIVE_INFINITY });
    vi.advanceTimersByTime(60_000);
    expect(one.replies).toBe('');
  });

  test('what is there at its start is answered before all else; more is taken when the reply is', () => {
    input.atOnce = policyRequest();
    const [quick, slow] = [session(0), session(0, () => 'dunno', 7)];
    input.atOnce = '';
    expect(quick.replies).toBe(`${dunno}\n\n`);
    vi.advanceTimersByTime(5000);
    expect([input.calls, slow.replies.length]).toEqual([['first', 'stop'], 7]);
    Object.assign(slow, { room: Number.POSITIVE_INFINITY });
    vi.advanceTimersByTime(5000);
    expect([input.calls, slow.replies]).toEqual([['first', 'stop', 'start'], `${dunno}\n\n`]);
  });

  test('what a slow peer has not taken yet, it gets at the end', () => {
    const one = session(0);
    Object.assign(one, { room: 7 });
    one.ask();
    Object.assign(one, { room: Number.POSITIVE_INFINITY });
    input.ended();
    expect(one).toMatchObject({ ends: [0], writtenAtEnd: `${dunno}\n\n` });
  });

  test.each([
    ['EPIPE', 0, []],
    ['ENOSPC', 1, ['err: cannot write a reply: ENOSPC']],
  ])(
    '%s, also while a peer is slow, ends it with status %i, and what is said is said once',
    (fault, status, said) => {
      for (const room of [Number.POSITIVE_INFINITY, 0]) {
        const one = session(0);
        Object.assign(one, room === 0 ? { room } : { fault });
        one.ask();
        Object.assign(one, { fault });
        vi.advanceTimersByTime(60_000);
        expect(one).toMatchObject({ ends: [status], replies: '', said });
        expect(input.calls.slice(2)).toEqual(room === 0 ? ['stop'] : []);
      }
    },
  );

  test('its time limit counts in seconds from its start; 0 is none', () => {
    const [one, endless] = [session(3), session(0)];
    vi.advanceTimersByTime(2999);
    expect(one.ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([one.ends, endless.ends]).toEqual([[0], []]);
  });
});

suite('at a terminal', ['script'], () => {
  test.each([
    ['Ctrl-C', '\x03', []],
    ['Ctrl-D', '\x04', []],
    ['its time limit', '', ['--time-limit', '1']],
  ])('%s ends it with status 0, while it waits for a line', async (_, keys, options) => {
    const line = greylatch('--db', database, ...options).join(' ');
    const terminal = spawn('script', ['-qec', `exec ${line}`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(terminal, 'exit');
    let shown = '';
    terminal.stdout.on('data', (chunk) => {
      shown += chunk;
    });
    terminal.stdin.write(policyRequest({ sasl_username: 'ann' }));
    await until(() => shown.includes(dunno));
    terminal.stdin.write(keys);
    expect(await ended).toEqual([0, null]);
  });
});

describe('by hand', () => {
  test('requests come from a file or a pipe, and messages go to standard error', () => {
    const file = path.join(scratch.path, 'request');
    writeFileSync(file, `junk\n${policyRequest({ sasl_username: 'ann' })}`);
    for (const feed of [`< ${file}`, `< <(cat ${file})`]) {
      const run = spawnSync('bash', ['-c', `${greylatch('--db', database).join(' ')} ${feed}`], {
        encoding: 'utf8',
      });
      expect(run.stdout).toBe(`${dunno}\n\n`);
      expect(run.stderr).toMatch(/^greylatch\[\d+\]: warning: ignoring garbage: junk\n$/);
      expect(run.status).toBe(0);
    }
  });

  test.each([
    [['--nonsense'], '--nonsense: no such option'],
    [['--delay', '5 minutes'], '--delay 5 minutes: not a time; write 60, 60s, 5m, 2h or 2d'],
    [['--db'], '--db: needs a value'],
    [['--text', 'a\naction=ok'], '--text: only printable ASCII characters, on one line'],
    [['--action', 'permit'], '--action permit: write defer_if_permit'],
    [['--on-error', 'panic'], '--on-error panic: write dunno or defer or exit'],
    [['frobnicate'], 'frobnicate: no such command (greylatch --help lists the commands)'],
    [['--db', 'x', 'status'], 'status: no option; a command stands before all options'],
    [['--dry-run=yes'], '--dry-run takes no value'],
    [['status', '--bogus=1'], '--bogus: no such option (see greylatch status --help)'],
    [['list', '--sender.x=1'], '--sender.x: no such option (see greylatch list --help)'],
    [['list', '-v=yes'], '-v takes no value'],
    [['list', 'all'], 'all: one word too many'],
    [['list', '--limit', 'few'], '--limit few: '],
    [['list', '--state', 'x'], '--state x: write waiting or passed or'],
    [['list', '--json=yes'], '--json takes no value'],
    [['list', '--client', '192.0.2.0/33'], '--client 192.0.2.0/33: write an address, a network'],
    [['salvage', 'x'], '--into is missing'],
    [['salvage'], 'salvage: DAMAGED is missing'],
    [['backup', '-'], 'backup: name a file'],
    [
      ['why', '--client', 'mx.example.org', '--sender', 'a@example.org', '--recipient', 'b@example.net'],
      '--client mx.example.org: not an address; a verified name is given by --name',
    ],
  ])('a wrong command line %j gets one clear line and status 2', (options, message) => {
    const [node, ...rest] = greylatch(...options);
    const run = spawnSync(node!, rest, { encoding: 'utf8', input: policyRequest() });
    expect(run.status).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain(message);
    expect(run.stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
