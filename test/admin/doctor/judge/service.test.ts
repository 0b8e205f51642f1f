// The columns and limits of the line in master.cf, on planted ones.
import { expect, test } from 'vitest';
import { amiss, ENTRIES, only, recipient } from '../healthy.ts';

const INET = ENTRIES.replace('policy     unix  -', '127.0.0.1:9998 inet n');
const inetParameters = `127.0.0.1:9998_time_limit = 3600s\n${recipient('permit_mynetworks', 'check_policy_service { inet:localhost:9998, default_action=DUNNO }')}`;

test('on loopback is well', () => {
  expect(amiss({ entries: INET, parameters: inetParameters })).toEqual([]);
});

test('an inet one has to be public', () => {
  const entries = INET.replace('inet n', 'inet -');
  expect(only({ entries, parameters: inetParameters })).toMatchObject({
    severity: 'error',
    check: 'private',
  });
});

test.each([
  ['', '10', true],
  ['', '100', false],
  ['', '-', false],
  ['default_process_limit = 500', '-', false],
  ['default_process_limit = 500', '100', true],
])('%s maxproc %s: too few? %s', (parameters, maxproc, few) => {
  const entries = ENTRIES.replace(' 0       spawn', ` ${maxproc} spawn`);
  expect(amiss({ entries, parameters }).map(({ check }) => check)).toEqual(few ? ['process-limit'] : []);
});

test('a service that is no socket cannot be asked', () => {
  expect(only({ entries: ENTRIES.replace('policy     unix', 'policy     fifo') })).toMatchObject({
    severity: 'error',
    check: 'type',
    mend: expect.stringContaining('unix in place of fifo'),
  });
});

test('smtpd without a limit needs filters without one', () => {
  const entries = ENTRIES.replace('-       smtpd', '0 smtpd').replace(' 0       spawn', ' 200 spawn');
  expect(only({ entries })).toMatchObject({
    check: 'process-limit',
    mend: expect.stringContaining('process_limit=0'),
  });
});

test.each([
  ['--time-limit 0', '3600s', 'in argv= of policy/unix: --time-limit 3492'],
  ['--time-limit 1d', '3600s', "postconf -e 'policy_time_limit=86500s' && postfix reload"],
  ['', '58m', "postconf -e 'policy_time_limit=3600s' && postfix reload"],
])('%s and %s do not fit', (option, limit, mend) => {
  const entries = ENTRIES.trimEnd().concat(` ${option}\n`);
  expect(only({ entries, parameters: `policy_time_limit = ${limit}` })).toMatchObject({
    check: 'time-limit',
    mend,
  });
});

test('a time limit that cannot be read', () => {
  expect(amiss({ parameters: 'policy_time_limit = soon' })).toEqual([]);
});

test.each([
  ['-', '0', true],
  ['-', '1', false],
  ['-', '2', false],
  ['n', '0', false],
  ['y', '3.6', true],
])('chroot %s at compatibility level %s: in the chroot? %s', (chroot, level, closed) => {
  const entries = ENTRIES.replace('n       n       -       0', `n ${chroot} - 0`);
  const found = amiss({ entries, parameters: `compatibility_level = ${level}` });
  expect(found.map(({ check }) => check)).toEqual(closed ? ['chroot'] : []);
});

test.each([
  ['127.0.0.1:9998', 'all', true],
  ['[::1]:9998', 'all', true],
  ['192.0.2.7:9998', 'all', false],
  ['192.0.2.7:9998', 'loopback-only', false],
  ['9998', 'all', false],
  ['9998', '', false],
  ['9998', 'loopback-only', true],
  ['9998', '127.0.0.1, [::1]', true],
  ['9998', '127.0.0.1, 192.0.2.7', false],
])('%s where inet_interfaces = %s: out of reach for others? %s', (name, interfaces, hidden) => {
  const entries = INET.replace('127.0.0.1:9998', name);
  const parameters = `${name}_time_limit = 3600s\ninet_interfaces = ${interfaces}`;
  const found = amiss({ entries, parameters }).filter(({ check }) => check === 'loopback');
  const where = `master.cf: ${name}/inet`;
  const mend = expect.stringContaining('name the service 127.0.0.1:9998 in master.cf');
  expect(found).toMatchObject(hidden ? [] : [{ severity: 'warning', where, mend }]);
});

test('without the rights to change to another user', () => {
  const entries = ENTRIES.replace('unix  -       n', 'unix  -       -');
  expect(only({ entries })).toMatchObject({
    severity: 'error',
    check: 'unprivileged',
    mend: "postconf -F 'policy/unix/unprivileged=n' && postfix reload",
  });
});

test('only those count who ask', () => {
  const entries = `${ENTRIES.replace(' 0       spawn', ' 100 spawn')}127.0.0.1:2525 inet n - y - 50 smtpd\n`;
  const overrides = '127.0.0.1:2525/inet/smtpd_recipient_restrictions = permit_mynetworks, reject\n';
  expect(amiss({ entries, overrides })).toEqual([]);
  const [found] = amiss({ entries });
  expect(found).toMatchObject({
    check: 'process-limit',
    what: expect.stringContaining('100 filters for 150 processes'),
  });
});

test('a time limit that the filter just reaches, and one in master.cf', () => {
  const found = (limit: string) => only({ overrides: `policy/unix/policy_time_limit = ${limit}\n` });
  expect(found('3500s')).toMatchObject({
    severity: 'warning',
    check: 'time-limit',
    where: 'master.cf: policy/unix -o policy_time_limit',
    what: expect.stringContaining('after 3500 s, also amid a request; it would leave by itself after 3500 s'),
    mend: "postconf -P 'policy/unix/policy_time_limit=3600s' && postfix reload",
  });
  expect(amiss({ overrides: 'policy/unix/policy_time_limit = 3501s\n' })).toEqual([]);
  const never = ENTRIES.trimEnd().concat(' --time-limit 0\n');
  expect(only({ entries: never }).what).toContain('it never leaves by itself');
});
