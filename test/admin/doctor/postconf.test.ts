// What postconf 3.7 prints: parameters, services, times and versions.
import { expect, test } from 'vitest';
import { isAtLeast, parseParameters, parseServices, seconds } from '../../../src/admin/doctor/postconf.ts';

test('parameters, also empty ones and with "=" in them', () => {
  expect(parseParameters('a = b = c\nd =\nsmtp/inet/e = f\n\nwarning\n')).toEqual({
    a: 'b = c',
    d: '',
    'smtp/inet/e': 'f',
  });
});

test('services and what they set for themselves', () => {
  const entries = `127.0.0.1:10025 inet n  -       n       -       20      smtpd -o {a=b c} -v
smtp       inet  n       -       y       -       -       smtpd
smtp       unix  -       -       n       -       -       smtp
`;
  const overrides = '127.0.0.1:10025/inet/a = b c\nsmtp/inet/smtpd_sender_restrictions =\n';
  expect(parseServices(entries, overrides)).toMatchObject([
    {
      name: '127.0.0.1:10025',
      type: 'inet',
      private: 'n',
      maxproc: '20',
      command: ['smtpd', '-o', 'a=b c', '-v'],
      overrides: { a: 'b c' },
    },
    { name: 'smtp', type: 'inet', chroot: 'y', overrides: { smtpd_sender_restrictions: '' } },
    { name: 'smtp', type: 'unix', overrides: {} },
  ]);
});

test('of a service that stands there twice, the last line counts; a public one is another than a private one', () => {
  const lines = [
    'policy unix - n n - 0 spawn a',
    'policy unix n n n - 0 spawn b',
    'policy unix y n n - 1 spawn c',
  ];
  const read = parseServices(`${lines.join('\n')}\n`, '');
  expect(read.map(({ command, lines }) => [command[1], lines])).toEqual([
    ['b', 1],
    ['c', 2],
  ]);
});

test('times and versions', () => {
  expect(['3600s', '1h', '100', '2d', 'soon', ''].map(seconds)).toEqual([
    3600,
    3600,
    100,
    172800,
    undefined,
    undefined,
  ]);
  expect(
    ['2.9.15', '2.10.0', '2.11.1', '3.0', '3.7.11', '3.10-20250101'].map((v) => isAtLeast(v, 2, 10)),
  ).toEqual([false, true, true, true, true, true]);
});
