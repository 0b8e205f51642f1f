// Configuration as Postfix reads it: words and braces, master.cf's entries, spawn's attributes, restriction lists,
// endpoints. The texts are what postconf 3.7 prints.
import { describe, expect, test } from 'vitest';
import { hostAndPort, leadsTo } from '../../../src/admin/doctor/endpoint.ts';
import { isAtLeast, parseParameters, parseServices, seconds } from '../../../src/admin/doctor/postconf.ts';
import { hiddenClasses, questionsOf, stepsOf } from '../../../src/admin/doctor/restrictions.ts';
import { readInvocation } from '../../../src/admin/doctor/spawn.ts';
import { tokens, unbraced } from '../../../src/admin/doctor/tokens.ts';

const same = (word: string) => word;
const service = (line: string, overrides = '') => parseServices(line, overrides)[0]!;
const spawned = (rest: string, resolve = same) =>
  readInvocation(service(`policy unix - n n - 0 spawn ${rest}`), resolve);

describe('words', () => {
  test.each([
    ['a  b\tc', ['a', 'b', 'c']],
    ['{a b} c', ['{a b}', 'c']],
    ['x={ a {b c} } d', ['x={ a {b c} }', 'd']],
    ['} a', ['}', 'a']],
    ['{a b', ['{a b']],
    [' ', []],
  ])('%j', (text, words) => {
    expect(tokens(text, ' \t')).toEqual(words);
  });
  test('braces come off, and the blanks inside them', () => {
    expect(['{ a b }', '{}', 'a{b}', '{a}b'].map(unbraced)).toEqual(['a b', '', 'a{b}', '{a}b']);
  });
});

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

describe('spawn(8)', () => {
  test('user, group, Node with options of its own, and options with blanks', () => {
    expect(
      spawned(
        '-v -o policy_time_limit=5 user=grey:mail argv=/usr/bin/node --max-old-space-size=64 /usr/local/bin/greylatch --text { Come { back } later } --delay 5m',
      ),
    ).toMatchObject({
      user: 'grey',
      group: 'mail',
      unknown: undefined,
      node: '/usr/bin/node',
      script: '/usr/local/bin/greylatch',
      program: ['/usr/bin/node', '--max-old-space-size=64', '/usr/local/bin/greylatch'],
      settings: { text: 'Come { back } later', delay: 300 },
    });
  });
  test('by the first line of the script, and by another name', () => {
    expect(spawned('user=nobody argv=/usr/local/bin/greylatch')).toMatchObject({
      node: undefined,
      program: ['/usr/local/bin/greylatch'],
    });
    const resolve = (word: string) =>
      word === '/usr/libexec/grey' ? '/opt/greylatch/bin/greylatch.js' : word;
    expect(spawned('user=nobody argv=/usr/bin/node20 /usr/libexec/grey', resolve)).toMatchObject({
      node: '/usr/bin/node20',
      script: '/usr/libexec/grey',
    });
  });
  test('what is missing or wrong', () => {
    expect(spawned('argv=/usr/bin/node /usr/local/bin/greylatch')).toMatchObject({ user: '' });
    expect(spawned('USER=a cwd=/ argv=/usr/local/bin/greylatch')).toMatchObject({
      user: 'a',
      unknown: 'cwd=/',
    });
    expect(spawned('user=a argv=/usr/local/bin/greylatch --colour red')).toMatchObject({
      settings: undefined,
      usage: '--colour: no such option',
    });
  });
  test('other programs, and greylatch under other services', () => {
    expect(spawned('user=nobody argv=/usr/bin/perl /usr/libexec/greylist.pl')).toBeUndefined();
    expect(
      readInvocation(service('x unix - n n - 0 pipe user=nobody argv=/usr/local/bin/greylatch'), same),
    ).toBeUndefined();
  });
});

describe('restriction lists', () => {
  const smtpd = service('smtp inet n - n - - smtpd');

  test('arguments, classes, capitals and warn_if_reject', () => {
    const parameters = {
      smtpd_restriction_classes: 'a, b',
      a: 'Permit_MyNetworks b',
      b: 'check_client_access { cidr:{{::1 permit}} } reject_rbl_client zen.example.org',
      list: 'warn_if_reject reject_unknown_client_hostname a,check_relay_domains sleep 1 permit',
    };
    expect(stepsOf(smtpd, parameters, 'list')).toMatchObject([
      { name: 'reject_unknown_client_hostname', onlyWarns: true },
      { name: 'permit_mynetworks' },
      { name: 'check_client_access', argument: '{ cidr:{{::1 permit}} }' },
      { name: 'reject_rbl_client', argument: 'zen.example.org' },
      { name: 'check_relay_domains', argument: '', onlyWarns: false },
      { name: 'sleep', argument: '1' },
      { name: 'permit' },
    ]);
  });
  test('a class that names itself ends', () => {
    expect(
      stepsOf(smtpd, { smtpd_restriction_classes: 'a', a: 'reject a', list: 'a' }, 'list').length,
    ).toBeLessThan(20);
  });
  test('questions, with their settings', () => {
    const parameters = {
      smtpd_recipient_restrictions:
        'permit_mynetworks, check_policy_service { unix:private/policy, timeout=5s, { default_action = 450 4.7.1 later } }',
      smtpd_data_restrictions: 'check_policy_service inet:127.0.0.1:9998',
    };
    expect(questionsOf([smtpd], parameters)).toMatchObject([
      {
        list: 'smtpd_recipient_restrictions',
        at: 1,
        endpoint: 'unix:private/policy',
        settings: { timeout: '5s', default_action: '450 4.7.1 later' },
      },
      { list: 'smtpd_data_restrictions', at: 0, endpoint: 'inet:127.0.0.1:9998', settings: {} },
    ]);
  });
  test('classes that no list names', () => {
    const ask = 'check_policy_service unix:private/policy';
    const parameters = {
      smtpd_restriction_classes: 'a b c d',
      a: ask,
      b: ask,
      c: 'b',
      d: 'reject',
      smtpd_client_restrictions: 'c',
    };
    expect(hiddenClasses(parameters)).toEqual(['a']);
  });
});

describe('endpoints', () => {
  const parameters = { queue_directory: '/var/spool/postfix' };
  const at = (line: string) => service(`${line} spawn`);

  test.each([
    ['unix:private/policy', 'policy unix - n n - 0', true],
    ['local:private/policy', 'policy unix y n n - 0', true],
    ['unix:/var/spool/postfix/private/policy', 'policy unix - n n - 0', true],
    ['unix:public/policy', 'policy unix n n n - 0', true],
    ['unix:private/policy', 'policy unix n n n - 0', false],
    ['unix:private/policy', 'policy2 unix - n n - 0', false],
    ['inet:127.0.0.1:9998', '127.0.0.1:9998 inet n n n - 0', true],
    ['inet:localhost:9998', '[::1]:9998 inet n n n - 0', true],
    ['inet:10.0.0.1:9998', '9998 inet n n n - 0', true],
    ['inet:10.0.0.1:9998', '127.0.0.1:9998 inet n n n - 0', false],
    ['inet:127.0.0.1:9999', '127.0.0.1:9998 inet n n n - 0', false],
    ['inet:127.0.0.1:policy', 'policy unix - n n - 0', false],
  ])('%s leads to %s: %s', (endpoint, line, leads) => {
    expect(leadsTo(endpoint, at(line), parameters)).toBe(leads);
  });
  test('hosts and ports', () => {
    expect(['9998', '[::1]:25', 'LOCALHOST:smtp'].map(hostAndPort)).toEqual([
      { host: '', port: '9998' },
      { host: '::1', port: '25' },
      { host: 'localhost', port: 'smtp' },
    ]);
  });
});
