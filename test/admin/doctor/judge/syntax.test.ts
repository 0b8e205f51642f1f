// What smtpd(8) cannot read, as it was seen to refuse it (Postfix 3.7), and what it can.
import { expect, test } from 'vitest';
import { amiss, only, recipient } from '../healthy.ts';

const asking = (argument: string) => ({
  parameters: recipient('permit_mynetworks', 'reject_unauth_destination', `check_policy_service ${argument}`),
});
const own = (settings: string) => asking(`{ unix:private/policy, default_action=DUNNO${settings} }`);

test.each([
  [
    '{ unix:private/policy, default_action=451 4.3.5 later }',
    /"4\.3\.5" .* \{ default_action = 451 4\.3\.5 later \}/,
  ],
  ['{ unix:private/policy, default_acton=DUNNO }', /"default_acton" is no setting/],
  ['{ unix:private/policy, Default_Action=DUNNO }', /"Default_Action" is no setting/],
  ['{ unix:private/policy, default_action= }', /default_action= has no value/],
  ['{ unix:private/policy, default_action=DUNNO', /"\}" is missing/],
  ['private/policy', /"private\/policy" begins with neither unix: nor inet:/],
  ['UNIX:private/policy', /begins with neither/],
])('check_policy_service %s: smtpd(8) does not start', (argument, what) => {
  expect(only(asking(argument))).toMatchObject({
    severity: 'error',
    check: 'restriction',
    where: 'main.cf: smtpd_recipient_restrictions',
    what: expect.stringMatching(/^smtpd\(8\) does not start/),
  });
  expect(only(asking(argument)).what).toMatch(what);
});

test.each([
  'timeout=soon',
  'max_idle=0',
  'max_ttl=1x',
  'retry_delay=',
  'try_limit=0',
  'request_limit=-1',
  'policy_context=',
])('%s is none of the values that smtpd(8) takes', (setting) => {
  const found = amiss(own(`, ${setting}`)).filter(({ check }) => check !== 'client');
  expect(found).toMatchObject([{ severity: 'error', check: 'restriction' }]);
});

test.each([
  'timeout = 1x',
  'max_idle = 0',
  'retry_delay = 0',
  'try_limit = 0',
  'request_limit = -1',
  'default_action =',
])('smtpd_policy_service_%s for all services: it does not start', (line) => {
  const name = `smtpd_policy_service_${line.split(' ')[0]}`;
  const found = amiss({ parameters: `smtpd_policy_service_${line}` }).filter(
    ({ check }) => check !== 'client',
  );
  expect(found).toMatchObject([{ severity: 'error', check: 'restriction', where: `main.cf: ${name}` }]);
  const own = amiss({ overrides: `smtp/inet/smtpd_policy_service_${line}\n` });
  expect(own).toMatchObject([{ check: 'restriction', where: `master.cf: smtp/inet -o ${name}` }]);
});

test('what it takes', () => {
  const settings = 'timeout=1w, max_idle=5m max_ttl=2000, { retry_delay = 2s }, request_limit=0, try_limit=3';
  expect(amiss(own(`, ${settings}, { policy_context = one, two }`))).toEqual([]);
  expect(amiss({ parameters: 'smtpd_policy_service_policy_context =' })).toEqual([]);
});

test.each([
  'unix:private/policy, default_action=DUNNO',
  'unix:private/policy { default_action = 451 4.3.5 later }',
  '',
])('check_policy_service %s: all mail is answered with an error', (argument) => {
  expect(only(asking(argument))).toMatchObject({
    severity: 'error',
    check: 'restriction',
    what: expect.stringMatching(/all mail that gets there/),
    mend: expect.stringContaining('check_policy_service { unix:private/policy, default_action=DUNNO }'),
  });
});

test('before Postfix 3.0, there are no braces', () => {
  const { parameters } = own('');
  expect(only({ parameters: `mail_version = 2.11.0\n${parameters}` })).toMatchObject({
    check: 'restriction',
    mend: expect.stringContaining('check_policy_service unix:private/policy,'),
  });
});

test('the least values that it takes', () => {
  expect(
    amiss(own(', max_ttl=1s, retry_delay=1, try_limit=1')).filter(({ check }) => check !== 'client'),
  ).toEqual([]);
  expect(amiss(own(', try_limit=2s'))).toMatchObject([{ check: 'restriction' }]);
});

test('an example of how it is written goes as far as the value does', () => {
  const what = (settings: string) => only(asking(`{ inet:192.0.2.7:10, ${settings} }`)).what;
  const action = 'default_action=451 4.3.5 come back later';
  const example = '{ default_action = 451 4.3.5 come back later }';
  expect(what(action).endsWith(`: ${example}`)).toBe(true);
  expect(what(`timeout=10s, ${action}, timeout=20s`).endsWith(`: ${example}`)).toBe(true);
  expect(what('later').endsWith('in braces of its own')).toBe(true);
});

test('what is advised asks the service that was meant', () => {
  const found = amiss(asking('{ unix:private/other, timeout=soon }'));
  expect(found.find(({ check }) => check === 'restriction')!.mend).toContain(
    'check_policy_service { unix:private/other, default_action=DUNNO }',
  );
});

test('of a word that may be left of what could not be read, nothing is said', () => {
  const where = 'main.cf: smtpd_recipient_restrictions';
  const unknown = [
    { where, name: 'timeout=1' },
    { where: 'main.cf: smtpd_client_restrictions', name: 'permt' },
  ];
  const found = amiss({ ...own(', timeout=soon'), facts: { unknown } });
  expect(found.map((each) => each.where)).toEqual([where, 'main.cf: smtpd_client_restrictions']);
});
