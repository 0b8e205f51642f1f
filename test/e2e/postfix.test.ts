// Real mail through a real Postfix: what its clients are told, with the filter run by spawn(8) as user nobody.
// The delay is a second or two here, and it really passes: Postfix cannot be given another clock.
import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { copyFilter } from './copy.ts';
import { postfixSuite } from './needs.ts';
import { type Place, type Postfix, withPostfix } from './postfix.ts';
import { filtersOf } from './processes.ts';
import { type Caller, call, type Reply } from './smtp.ts';
import { serviceFor } from './snippet.ts';

const DEFERRED = /^4\.7\.1 <\S*>: Recipient address rejected: Service is unavailable/;
const CLIENT: Caller = { address: '192.0.2.1' };

postfixSuite('under Postfix', () => {
  const scratch = useScratch('of all', 'greylatch-copy-');
  let program = '';
  beforeAll(() => {
    chmodSync(scratch.path, 0o755);
    program = copyFilter(path.join(scratch.path, 'greylatch'));
  });

  /** The snippet's service, with the program copied here, its database and log in this test's place. */
  const service =
    (...options: string[]) =>
    ({ mta, logs }: Place) => {
      const own = ['--db', `${mta}/greylist.mdb`, '--log', `file:${logs}/filter.log`];
      return serviceFor([process.execPath, program, ...own, ...options]);
    };

  /** One attempt to send: the reply to RCPT. */
  async function attempt(
    postfix: Postfix,
    caller = CLIENT,
    sender = 'ann@example.com',
    recipient = 'bob@example.org',
  ): Promise<Reply> {
    const session = await call(
      postfix.port,
      caller,
      caller.address.includes(':') && postfix.hasIPv6 ? '::1' : '127.0.0.1',
    );
    await session.mail(sender);
    const reply = await session.rcpt(recipient);
    await session.quit();
    return reply;
  }

  const passes = (postfix: Postfix, ...about: [Caller?, string?, string?]) =>
    until(async () => (await attempt(postfix, ...about)).code === 250);

  function expectDeferred(reply: Reply): void {
    expect(reply.code).toBe(450);
    expect(reply.text).toMatch(DEFERRED);
  }

  /** Nothing that Postfix had to say of the policy service. */
  function expectNoTrouble(postfix: Postfix): void {
    expect(postfix.log()).not.toMatch(/451 4\.3\.5|warning:.*(policy|spawn|status|signal)|fatal:|panic:/);
  }

  test('a triple is deferred, also when it comes back too early, and passes later; others are their own', async () => {
    await withPostfix({ master: service('--delay', '2') }, async (postfix) => {
      expectDeferred(await attempt(postfix));
      expectDeferred(await attempt(postfix));
      await passes(postfix);
      expectDeferred(await attempt(postfix, CLIENT, 'ann@example.com', 'carol@example.org'));
      expectDeferred(await attempt(postfix, CLIENT, '')); // the null sender
      expectDeferred(await attempt(postfix, { address: '2001:db8::25' }));
      await passes(postfix, CLIENT, '');
      await passes(postfix, { address: '2001:db8::25' });
      const session = await call(postfix.port, CLIENT);
      await session.mail('ann@example.com');
      await session.rcpt('bob@example.org');
      expect((await session.data()).code).toBe(250); // through DATA to the end
      await session.quit();
      expectNoTrouble(postfix);
      expect(statSync(`${postfix.mta}/greylist.mdb`).mode & 0o777).toBe(0o600);
    });
  });

  test('where clients are asked about at once, a proxy that says who it is speaking for (XCLIENT) is no mail', async () => {
    const main = `smtpd_delay_reject = no
smtpd_client_restrictions = check_policy_service unix:private/policy
smtpd_recipient_restrictions = reject_unauth_destination
`;
    await withPostfix({ master: service('--delay', '600'), main }, async (postfix) => {
      expect(await attempt(postfix)).toMatchObject({ code: 250 });
      expectNoTrouble(postfix);
    });
  });

  test('a code without a text defers, and is not taken for an OK', async () => {
    await withPostfix({ master: service('--action', '451', '--text=') }, async (postfix) => {
      expect(await attempt(postfix)).toMatchObject({ code: 451, text: expect.stringMatching(/^4\.7\.1 /) });
      expectNoTrouble(postfix);
    });
  });

  test('forty clients at once each get their answer, and all pass later', async () => {
    await withPostfix({ master: service('--delay', '1') }, async (postfix) => {
      const callers = Array.from({ length: 40 }, (_, i) => ({ address: `192.0.2.${100 + i}` }));
      const first = await Promise.all(callers.map((caller) => attempt(postfix, caller)));
      for (const reply of first) expectDeferred(reply);
      await Promise.all(callers.map((caller) => passes(postfix, caller)));
      expectNoTrouble(postfix);
    });
  });

  test('a filter killed in the middle of a session costs a second, no mail', async () => {
    await withPostfix({ master: service('--delay', '600') }, async (postfix) => {
      const session = await call(postfix.port, CLIENT);
      await session.mail('ann@example.com');
      expectDeferred(await session.rcpt('bob@example.org'));
      for (const pid of filtersOf(postfix.directory)) process.kill(pid, 'SIGKILL');
      await until(() => filtersOf(postfix.directory).length === 0);
      expectDeferred(await session.rcpt('bob@example.org'));
      expectDeferred(await session.rcpt('carol@example.org'));
      await session.quit();
      expect(postfix.log()).not.toContain('451 4.3.5');
    });
  });

  test('a client with more come-backs than the threshold passes at once', async () => {
    await withPostfix({ master: service('--delay', '0', '--auto-whitelist', '1') }, async (postfix) => {
      expectDeferred(await attempt(postfix));
      await passes(postfix);
      expectDeferred(await attempt(postfix, CLIENT, 'new@example.com')); // one come-back is not more than one
      await passes(postfix);
      expect((await attempt(postfix, CLIENT, 'newer@example.com')).code).toBe(250);
      expectDeferred(await attempt(postfix, { address: '192.0.2.2' }, 'newer@example.com'));
      expectNoTrouble(postfix);
    });
  });

  test('postfix reload, and the time limits of spawn(8) and of the filter, go unnoticed', async () => {
    const main = `policy_time_limit = 3s
smtpd_recipient_restrictions = reject_unauth_destination check_policy_service unix:private/policy
`;
    await withPostfix({ master: service('--delay', '600', '--time-limit', '1'), main }, async (postfix) => {
      const session = await call(postfix.port, CLIENT);
      await session.mail('ann@example.com');
      expectDeferred(await session.rcpt('bob@example.org'));
      await until(() => filtersOf(postfix.directory).length === 0);
      expectDeferred(await session.rcpt('carol@example.org'));
      await session.quit();
      await postfix.command('reload');
      expectDeferred(await attempt(postfix));
      expectNoTrouble(postfix);
    });
  });

  test("spawn(8)'s own limit, which kills, costs no mail either", async () => {
    const main = `policy_time_limit = 1s
smtpd_recipient_restrictions = reject_unauth_destination check_policy_service unix:private/policy
`;
    await withPostfix({ master: service('--delay', '600'), main }, async (postfix) => {
      const session = await call(postfix.port, CLIENT);
      await session.mail('ann@example.com');
      expectDeferred(await session.rcpt('bob@example.org'));
      await until(() => postfix.log().includes('command time limit exceeded'));
      expectDeferred(await session.rcpt('bob@example.org'));
      await session.quit();
      expect(postfix.log()).not.toContain('451 4.3.5');
    });
  });

  test('a directory that nobody cannot write: mail passes, and the log says what to do', async () => {
    const master = (place: Place) =>
      service('--delay', '600')(place).replaceAll(`${place.mta}/`, `${place.directory}/config/`);
    await withPostfix({ master }, async (postfix) => {
      expect((await attempt(postfix)).code).toBe(250);
      const log = readFileSync(`${postfix.logs}/filter.log`, 'utf8');
      expect(log).toMatch(/permission denied; give the directory .* to the user that runs the filter/);
      expectNoTrouble(postfix);
    });
  });

  test('the database may be removed under running filters', async () => {
    await withPostfix({ master: service('--delay', '1') }, async (postfix) => {
      expectDeferred(await attempt(postfix));
      await passes(postfix);
      rmSync(`${postfix.mta}/greylist.mdb`);
      await until(async () => (await attempt(postfix)).code === 450);
      await passes(postfix);
      expectNoTrouble(postfix);
    });
  });
});
