// Lines of mail logs in the manners of several daemons, and the year that a stamp does not say.
import { expect, test } from 'vitest';
import { parseLogLine, stampTime } from '../../../src/admin/learn/syslog.ts';

test.each([
  'Nov  4 20:30:01 mx1 postfix/smtpd[123]: 4ABCDEF: client=x[192.0.2.1]',
  '<22>Nov 24 20:30:01 mx1 postfix/smtpd[123]: 4ABCDEF: client=x[192.0.2.1]',
  '2026-11-24T20:30:01.123456+01:00 mx1 postfix-in/smtpd[123]: 4ABCDEF: client=x[192.0.2.1]',
  '2026-11-24T20:30:01+0100 mx1 postfix/submission/smtpd[1]: 4bQxYz1m2Nz3p4q: client=x[192.0.2.1]',
  'Nov 24 20:30:01 mx1.example.org mail/smtpd[123]: [ID 197553 mail.info] 4ABCDEF: client=x[192.0.2.1]',
])('%s', (line) => {
  expect(parseLogLine(line)).toMatchObject({
    host: expect.stringMatching(/^mx1/),
    program: 'smtpd',
    queueId: expect.stringMatching(/^4/),
    text: 'client=x[192.0.2.1]',
  });
});

test('what is no message of Postfix is passed over', () => {
  for (const line of [
    '',
    'Nov 24 20:30:01 mx1 sshd[1]: Accepted publickey for root',
    'Nov 24 20:30:01 mx1 postfix/smtpd[1]: connect from x[192.0.2.1]',
    'Nov 24 20:30:01 mx1 dovecot: lmtp(bob): saved mail',
    'postfix/smtpd[1]: 4ABCDEF: client=x[192.0.2.1]',
    'Nov 24 20:30:01 mx1 postfix/smtpd: 4ABCDEF: client=x[192.0.2.1]',
  ]) {
    expect([line, parseLogLine(line)]).toEqual([line, undefined]);
  }
});

test('a stamp without a year has the year that makes it past, also across New Year and to a leap day', () => {
  const local = (...parts: [number, number, number, number, number, number]) =>
    new Date(...parts).getTime() / 1000;
  const january = local(2027, 0, 2, 3, 0, 0);
  expect(stampTime('Jan  2 02:59:59', january)).toBe(local(2027, 0, 2, 2, 59, 59));
  expect(stampTime('Dec 31 23:59:59', january)).toBe(local(2026, 11, 31, 23, 59, 59));
  expect(stampTime('Jan  1 00:00:00', january)).toBe(local(2027, 0, 1, 0, 0, 0));
  // Written at midnight by a clock that goes ahead; a day more is last year.
  expect(stampTime('Jan  1 00:00:05', local(2026, 11, 31, 23, 59, 59))).toBe(local(2027, 0, 1, 0, 0, 5));
  expect(stampTime('Jan  4 00:00:00', january)).toBe(local(2026, 0, 4, 0, 0, 0));
  expect(stampTime('Feb 29 12:00:00', january)).toBe(local(2024, 1, 29, 12, 0, 0));
});

test('a stamp with a year and a zone is what it says; nonsense is none', () => {
  expect(stampTime('2026-11-24T20:30:01.999999+01:00', 0)).toBe(Date.UTC(2026, 10, 24, 19, 30, 1) / 1000);
  expect(stampTime('2026-11-24T20:30:01-0530', 0)).toBe(Date.UTC(2026, 10, 25, 2, 0, 1) / 1000);
  expect(stampTime('2026-11-24T20:30:01Z', 0)).toBe(Date.UTC(2026, 10, 24, 20, 30, 1) / 1000);
  for (const stamp of ['Foo 24 20:30:01', 'Feb 30 00:00:00', '2026-13-24T20:30:01Z']) {
    expect([stamp, stampTime(stamp, 1_800_000_000)]).toEqual([stamp, undefined]);
  }
});
