// How smtpd(8) behaves as the filter's client, on planted settings: how long it waits, and keeps its connections.
import { describe, expect, test } from 'vitest';
import { amiss, ENTRIES, only, recipient } from '../healthy.ts';

const ODD = [
  ['timeout', '9s', '10s', '100s'],
  ['try_limit', '1', '2', '2'],
  ['retry_delay', '11s', '10s', '1s'],
  ['request_limit', '1', '0', '0'],
] as const;

describe.each(ODD)('%s = %s is odd, %s is not', (name, odd, right, usual) => {
  const parameter = `smtpd_policy_service_${name}`;
  const mend = `postconf -e '${parameter}=${usual}'`;

  test('in main.cf', () => {
    const where = `main.cf: ${parameter}`;
    const what = expect.stringMatching(`^${odd}: `);
    const found = only({ parameters: `${parameter} = ${odd}` });
    expect(found).toMatchObject({ severity: 'note', check: 'client', where, what, mend });
    expect(amiss({ parameters: `${parameter} = ${right}` })).toEqual([]);
  });

  test('in the braces, which count before main.cf', () => {
    const own = (value: string) =>
      recipient(
        'permit_mynetworks',
        `check_policy_service { unix:private/policy, default_action=DUNNO, ${name}=${value} }`,
      );
    const where = 'main.cf: smtpd_recipient_restrictions';
    const what = expect.stringMatching(`^${name}=${odd}: `);
    expect(only({ parameters: own(odd) })).toMatchObject({ check: 'client', where, what, mend });
    expect(amiss({ parameters: `${parameter} = ${odd}\n${own(right)}` })).toEqual([]);
  });
});

test('what other policy services are asked with is none of our business', () => {
  const other = 'check_policy_service { inet:192.0.2.7:10023, default_action=DUNNO, timeout=1s }';
  const ask = 'check_policy_service { unix:private/policy, default_action=DUNNO }';
  expect(amiss({ parameters: recipient('permit_mynetworks', other, ask) })).toEqual([]);
});

test('settings count as well where only one of two filters is asked', () => {
  const entries = `${ENTRIES}spare unix - n n - 0 spawn user=nobody argv=/usr/bin/node /usr/local/bin/greylatch\n`;
  const parameters = 'spare_time_limit = 3600s\nsmtpd_policy_service_timeout = 1s';
  expect(amiss({ entries, parameters }).filter(({ check }) => check === 'client')).toHaveLength(1);
});

test('a connection that is kept as long as a filter lives, or longer', () => {
  const found = (value: string) => amiss({ parameters: `smtpd_policy_service_max_ttl = ${value}` });
  expect(found('3499s')).toEqual([]);
  expect(found('soon').map(({ check }) => check)).not.toContain('client');
  expect(found('3500s')).toMatchObject([
    {
      severity: 'note',
      check: 'client',
      where: 'main.cf: smtpd_policy_service_max_ttl',
      mend: "postconf -e 'smtpd_policy_service_max_ttl=1166s'",
    },
  ]);
});
