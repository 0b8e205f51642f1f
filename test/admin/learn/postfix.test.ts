// The log of a real Postfix: whose mail was delivered there.
import { expect, test } from 'vitest';
import { newLearner } from '../../../src/admin/learn/follow.ts';
import { postfixSuite } from '../../e2e/needs.ts';
import { type Postfix, withPostfix } from '../../e2e/postfix.ts';
import { call, connect } from '../../e2e/smtp.ts';
import { until } from '../../support/until.ts';

// A transport that takes all mail, and one that bounces it.
const MASTER = `
taker     unix  -       n       n       -       -       pipe
  flags=q user=nobody argv=/bin/true
refuser   unix  -       n       n       -       -       pipe
  flags=q user=nobody argv=/bin/false
`;
const TAKEN = 9; // messages below that are accepted, the bounce among them
const MAIN = `
smtpd_recipient_restrictions = reject_unauth_destination
relay_transport = taker:
transport_maps = inline:{ { void@example.org = discard: }, { gone@example.org = refuser: } }
smtpd_sasl_auth_enable = yes
smtpd_client_port_logging = yes
`;

postfixSuite("Postfix's log", () => {
  async function send(postfix: Postfix, address: string, sender: string, recipient: string): Promise<void> {
    const session = await call(
      postfix.port,
      { address },
      address.includes(':') && postfix.hasIPv6 ? '::1' : undefined,
    );
    await session.mail(sender);
    await session.rcpt(recipient);
    await session.data();
    await session.quit();
  }

  test.each(['no', 'yes'])('enable_long_queue_ids = %s: who has delivered, and nobody else', async (long) => {
    const main = `${MAIN}enable_long_queue_ids = ${long}\n`;
    await withPostfix({ master: () => MASTER, main }, async (postfix) => {
      await send(postfix, '192.0.2.1', 'ann@example.com', 'bob@example.org');
      await send(postfix, '192.0.2.1', 'ann@example.com', 'carol@example.org');
      await send(postfix, '2001:db8::25', 'carl@example.com', 'bob@example.org');
      await send(postfix, '198.51.100.1', '', 'bob@example.org');
      await send(postfix, '198.51.100.2', 'dora@example.com', 'void@example.org');
      await send(postfix, '198.51.100.3', 'eve@example.com', 'gone@example.org');
      await send(postfix, '198.51.100.4', 'fay@example.com', 'bob@elsewhere.example');
      await send(postfix, '10.1.2.3', 'gus@example.com', 'bob@example.org');
      const user = await connect('127.0.0.1', postfix.port);
      await user.command('EHLO test.example.com');
      await user.command('XCLIENT ADDR=198.51.100.5 NAME=home.example.com LOGIN=ida PROTO=ESMTP');
      await user.command('EHLO home.example.com');
      await user.mail('ida@example.org');
      await user.rcpt('bob@example.org');
      await user.data();
      await user.quit();
      const log = await until(() => {
        const lines = postfix.log().split('\n');
        return lines.filter((line) => line.endsWith(': removed')).length === TAKEN && lines;
      });
      expect(log.join('\n')).toMatch(/to=<gone@example.org>.*status=bounced/);
      expect(log.join('\n')).toContain('sasl_username=ida');
      const learner = newLearner();
      const now = Math.floor(Date.now() / 1000);
      for (const line of log) learner.line(line, now);
      const learned = learner.clients();
      expect(learned.map(({ client, name, messages }) => [client, name, messages]).sort()).toEqual([
        ['192.0.2.1', 'mail.example.com', 2],
        ['2001:db8::25', 'mail.example.com', 1],
      ]);
      for (const { lastSeen } of learned) expect(Math.abs(now - lastSeen)).toBeLessThan(600);
    });
  });
});
