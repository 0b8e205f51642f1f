// As an administrator does it: the package packed and installed globally, master.cf.snippet pasted as it stands,
// the database where it is by default.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { suite } from '../support/needs.ts';
import { project } from '../support/project.ts';
import { policyRequest } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { postfixSuite } from './needs.ts';
import { withPostfix } from './postfix.ts';
import { call } from './smtp.ts';
import { example, snippet } from './snippet.ts';

const PROGRAM = '/usr/local/bin/greylatch';
const DIRECTORY = '/var/mta';

postfixSuite('the package, installed globally', () => {
  const scratch = useScratch('of all');
  const undo: (() => void)[] = [];
  const npm = (...words: string[]) =>
    execFileSync('npm', words, { cwd: project, encoding: 'utf8', stdio: 'pipe' });

  beforeAll(() => {
    for (const place of [PROGRAM, DIRECTORY]) {
      if (existsSync(place)) throw new Error(`${place} exists already: not touched, and so not tested`);
    }
    const tarball = npm('pack', '--silent', '--pack-destination', scratch.path).trim().split('\n').at(-1)!;
    // Installed as by hand, also where the machine has neither a compiler nor the network for sources.
    npm(
      'install',
      '-g',
      '--prefix',
      '/usr/local',
      '--ignore-scripts',
      '--prefer-offline',
      path.join(scratch.path, tarball),
    );
    undo.push(() => npm('uninstall', '-g', '--prefix', '/usr/local', 'greylatch'));
    if (!existsSync('/usr/bin/node')) {
      symlinkSync(process.execPath, '/usr/bin/node');
      undo.push(() => rmSync('/usr/bin/node'));
    }
    mkdirSync(DIRECTORY, { mode: 0o700 });
    execFileSync('chown', ['nobody', DIRECTORY]);
    undo.push(() => rmSync(DIRECTORY, { recursive: true }));
  }, 300_000);
  afterAll(() => {
    for (const step of undo.reverse()) step();
  });

  test('answers by hand', () => {
    const file = path.join(scratch.path, 'greylist.mdb');
    const run = spawnSync(PROGRAM, ['--db', file], { encoding: 'utf8', input: policyRequest() });
    expect(run).toMatchObject({
      status: 0,
      stdout: 'action=defer_if_permit Service is unavailable\n\n',
      stderr: '',
    });
    expect(spawnSync(PROGRAM, ['verify', '--db', file], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(spawnSync(PROGRAM, ['--help'], { encoding: 'utf8' }).stdout).toContain('--auto-whitelist');
  });

  suite('man(1)', ['man'], () => {
    test('finds the manual page', () => {
      // Since npm 12, no package's page is installed where man(1) looks.
      const isLinked = Number.parseInt(npm('--version'), 10) < 12;
      const page = isLinked ? 'greylatch' : '/usr/local/lib/node_modules/greylatch/dist/greylatch.8';
      const run = spawnSync('man', [page], {
        encoding: 'utf8',
        env: { ...process.env, MANWIDTH: '100' },
      });
      expect(run.stdout.replace(/.\x08/g, '')).toMatch(/NAME\n +greylatch - Postfix policy server/);
    });
  });

  test('works with the snippet as it stands, on both kinds of sockets', async () => {
    const main = example('In /etc/postfix/main.cf (if');
    await deferredBy({ master: () => snippet, main });
    const before3 = /^# +(check_policy_service unix:\S+)$/m.exec(snippet)![1]!;
    await deferredBy({ master: () => snippet, main: main.replace(/check_policy_service .*/, before3) });
    const inet = example('In /etc/postfix/master.cf, as a replacement');
    await deferredBy({ master: () => inet, main: example('In /etc/postfix/main.cf, as a replacement') });
  });

  test('with the line that we recommend, a mail server passes at once and an access line does not', async () => {
    const main = example('In /etc/postfix/main.cf (if');
    await withPostfix({ master: () => example('What we recommend'), main }, async ({ port, log }) => {
      for (const [name, code] of [
        ['mail-out-7.example.com', 250],
        ['host-1-2-0-192.dsl.example.com', 450],
      ] as const) {
        const session = await call(port, { address: '192.0.2.1', name });
        await session.mail(`ann.${code}@example.com`);
        expect(await session.rcpt('bob@example.org'), name).toMatchObject({ code });
        await session.quit();
      }
      expect(log()).not.toMatch(/451 4\.3\.5|warning:.*(policy|spawn)|fatal:/);
    });
  });

  test('with default_action, mail flows though the filter cannot be run', async () => {
    const main = example('In /etc/postfix/main.cf (if');
    expect(main).toContain('default_action=DUNNO');
    const broken = snippet.replace(/^ {2}user=nobody argv=.*$/m, '  user=nobody argv=/usr/bin/false');
    await withPostfix({ master: () => broken, main }, async ({ port }) => {
      const session = await call(port, { address: '192.0.2.1' });
      await session.mail('ann@example.com');
      expect((await session.rcpt('bob@example.org')).code).toBe(250);
      await session.quit();
    });
  });

  async function deferredBy(options: Parameters<typeof withPostfix>[0]): Promise<void> {
    await withPostfix(options, async ({ port, log }) => {
      const session = await call(port, { address: '192.0.2.1' });
      await session.mail('ann@example.com');
      expect(await session.rcpt('bob@example.org')).toMatchObject({ code: 450 });
      expect(await session.rcpt('bob@elsewhere.example')).toMatchObject({ code: 554 }); // no open relay
      await session.quit();
      expect(log()).not.toMatch(/451 4\.3\.5|warning:.*(policy|spawn|9998)|fatal:/);
      await until(async () => existsSync(`${DIRECTORY}/greylist.mdb`));
    });
  }
});
