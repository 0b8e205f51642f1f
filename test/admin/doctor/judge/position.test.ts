// The place of check_policy_service, on planted lists: what a real Postfix on this machine cannot be brought to.
import { expect, test } from 'vitest';
import { ASK, amiss, ENTRIES, NO_RELAY, only, recipient } from '../healthy.ts';

const openRelay = { severity: 'error', check: 'open-relay' };

test.each([
  [
    'before the guard, and no relay restrictions',
    [NO_RELAY, recipient('permit_mynetworks', ASK, 'reject_unauth_destination')],
  ],
  ['no guard anywhere', [NO_RELAY, recipient('permit_mynetworks', ASK)]],
  [
    'the guard only warns',
    [NO_RELAY, recipient('permit_mynetworks', 'warn_if_reject reject_unauth_destination', ASK)],
  ],
  [
    'the relay restrictions permit all before their guard',
    ['smtpd_relay_restrictions = permit, reject_unauth_destination', recipient('permit_mynetworks', ASK)],
  ],
  [
    'the relay restrictions permit all',
    ['smtpd_relay_restrictions = permit', recipient('permit_mynetworks', ASK)],
  ],
  [
    'before the guard among the relay restrictions',
    [
      `smtpd_relay_restrictions = permit_mynetworks ${ASK} reject_unauth_destination`,
      recipient('permit_mynetworks'),
    ],
  ],
  [
    'a Postfix that has no relay restrictions',
    ['mail_version = 2.9.6', recipient('permit_mynetworks', ASK.replace(/\{ (\S+),.*/, '$1'))],
  ],
])('an open relay: %s', (_, lines) => {
  expect(only({ parameters: lines.join('\n') })).toMatchObject(openRelay);
});

test.each([
  [
    'behind the guard, without relay restrictions',
    [NO_RELAY, recipient('permit_mynetworks', 'reject_unauth_destination', ASK)],
  ],
  [
    'before the guard, behind relay restrictions',
    [recipient('permit_mynetworks', ASK, 'reject_unauth_destination')],
  ],
  ['no guard but in the relay restrictions', [recipient('permit_mynetworks', ASK)]],
  [
    'the guard in a class',
    [
      NO_RELAY,
      'smtpd_restriction_classes = ours',
      'ours = permit_mynetworks reject_unauth_destination',
      recipient('ours', ASK),
    ],
  ],
  [
    'a defer in place of a reject',
    [
      NO_RELAY,
      recipient('permit_mynetworks', 'check_client_access static:reject', 'defer_unauth_destination', ASK),
    ],
  ],
  [
    'among the relay restrictions, behind the guard',
    [
      `smtpd_relay_restrictions = permit_mynetworks reject_unauth_destination ${ASK}`,
      recipient('permit_mynetworks'),
    ],
  ],
])('no open relay: %s', (_, lines) => {
  expect(amiss({ parameters: lines.join('\n') })).toEqual([]);
});

test('relay restrictions that come later are said to', () => {
  const parameters = `smtpd_relay_before_recipient_restrictions = no\n${recipient('permit_mynetworks', ASK)}`;
  expect(only({ parameters })).toMatchObject({ severity: 'note', check: 'relay-later' });
});

test.each([
  ['permit', 'permit'],
  ['a reject', 'reject'],
  ['a permit in a class', 'open'],
])('never reached behind %s', (_, step) => {
  const parameters = `smtpd_restriction_classes = open\nopen = permit_mynetworks, permit\n${recipient('reject_unauth_destination', step, ASK)}`;
  expect(only({ parameters })).toMatchObject({ severity: 'error', check: 'unreached' });
});

test.each([
  ['client', 'yes', 'note'],
  ['sender', 'no', 'error'],
  ['data', 'yes', 'warning'],
  ['end_of_data', 'no', 'warning'],
  ['etrn', 'yes', 'error'],
])('in smtpd_%s_restrictions with smtpd_delay_reject = %s: %s', (stage, delay, severity) => {
  const parameters = `smtpd_delay_reject = ${delay}\n${recipient('reject_unauth_destination')}\nsmtpd_${stage}_restrictions = permit_mynetworks ${ASK}`;
  const found = amiss({ parameters }).filter(({ check }) => check === 'stage');
  expect(found).toMatchObject([{ severity, where: `main.cf: smtpd_${stage}_restrictions` }]);
});

test('of a list that is looked at earlier, nothing is said but that', () => {
  const parameters = `${NO_RELAY}\n${recipient('reject_unauth_destination')}\nsmtpd_client_restrictions = ${ASK}`;
  expect(only({ parameters })).toMatchObject({ severity: 'note', check: 'stage' });
});

test('own lists of a service in master.cf are judged by themselves', () => {
  const entries = `${ENTRIES}127.0.0.1:587 inet n - y - - smtpd\n`;
  const overrides = `127.0.0.1:587/inet/smtpd_recipient_restrictions = ${ASK}\n127.0.0.1:587/inet/smtpd_relay_restrictions =\n`;
  const found = amiss({ entries, overrides });
  const where = 'master.cf: 127.0.0.1:587/inet -o smtpd_recipient_restrictions';
  expect(found).toMatchObject([
    { where, check: 'open-relay' },
    { where, check: 'submission', severity: 'note' },
  ]);
  expect(
    amiss({
      entries,
      overrides: '127.0.0.1:587/inet/smtpd_recipient_restrictions = permit_sasl_authenticated, reject\n',
    }),
  ).toEqual([]);
});

test.each([
  ['0.0.0.0/0', true],
  ['127.0.0.0/8, [::]/0', true],
  ['0.0.0.0/1 128.0.0.0/1', true],
  ['2000::/3', true],
  ['10.0.0.0/7', true],
  ['fc00::/6', true],
  ['127.0.0.0/8 10.0.0.0/8 [fc00::]/7 [::1]/128', false],
  ['!0.0.0.0/0 cidr:/etc/postfix/7', false],
  ['192.0.2.1', false],
])('mynetworks = %s: strangers among the own hosts: %s', (networks, wide) => {
  const found = amiss({ parameters: `mynetworks = ${networks}` });
  expect(found.map(({ severity, check }) => `${severity} ${check}`)).toEqual(wide ? ['error own-hosts'] : []);
  expect(found.filter(({ what }) => !what.includes('lets strangers pass'))).toEqual([]);
  // Where nothing permits them, they are greylisted.
  const guarded = `mynetworks = ${networks}\n${recipient('reject_unauth_destination', ASK)}`;
  expect(amiss({ parameters: guarded }).map(({ severity }) => severity)).toEqual(['note']);
});

test.each(['permit_auth_destination', 'permit_mx_backup'])('behind %s, no mail of ours arrives', (name) => {
  const parameters = recipient(name, 'reject_unauth_destination', ASK);
  const what = expect.stringContaining(`"${name}" before it ends the list for all mail to your domains`);
  expect(only({ parameters })).toMatchObject({ severity: 'error', check: 'unreached', what });
  expect(amiss({ parameters: recipient(`warn_if_reject ${name}`, ASK) })).not.toContainEqual(
    expect.objectContaining({ check: 'unreached' }),
  );
});

test('a step that only warns ends nothing, and lets ours only warn', () => {
  const steps = ['permit_mynetworks', 'reject_unauth_destination', 'warn_if_reject reject', ASK];
  expect(amiss({ parameters: recipient(...steps) })).toEqual([]);
  const parameters = recipient('permit_mynetworks', 'reject_unauth_destination', 'warn_if_reject', ASK);
  const what = expect.stringContaining('nothing is deferred');
  expect(only({ parameters })).toMatchObject({ severity: 'error', check: 'warns', what });
});

test('what rejects mail behind it would better stand before it', () => {
  const behind = (...steps: string[]) => ({
    parameters: recipient('permit_mynetworks reject_non_fqdn_sender', ASK, ...steps),
  });
  expect(only(behind('reject_unknown_sender_domain'))).toMatchObject({
    severity: 'note',
    check: 'last',
    what: expect.stringContaining('reject_unknown_sender_domain'),
  });
  expect(amiss(behind('permit'))).toEqual([]);
});

test('own hosts', () => {
  const parameters = recipient('reject_unauth_destination', ASK);
  expect(only({ parameters })).toMatchObject({ severity: 'note', check: 'own-hosts' });
  expect(amiss({ parameters: `${parameters}\nmynetworks =` })).toEqual([]); // there are none
});

test('where users hand in mail, those who are logged in come first', () => {
  const entries = `${ENTRIES}submission inet n - y - - smtpd\n`;
  const overrides = `submission/inet/smtpd_recipient_restrictions = permit_sasl_authenticated reject_unauth_destination permit_mynetworks ${ASK}\n`;
  expect(amiss({ entries, overrides })).toEqual([]);
});

test('a guard that stands first, and one behind which all are let in', () => {
  const relay = (...steps: string[]) =>
    `${recipient('permit_mynetworks', ASK)}\nsmtpd_relay_restrictions = ${steps.join(' ')}`;
  expect(amiss({ parameters: relay('reject_unauth_destination') })).toEqual([]);
  expect(amiss({ parameters: relay('reject_unauth_destination', 'permit') })).toEqual([]);
  const own = recipient('reject_unauth_destination', 'permit_mynetworks', ASK);
  expect(amiss({ parameters: `${NO_RELAY}\n${own}` })).toEqual([]);
});

test('relay restrictions that ask, before recipient restrictions that guard', () => {
  const parameters = `smtpd_relay_restrictions = permit_mynetworks ${ASK}\n${recipient('reject_unauth_destination')}`;
  expect(only({ parameters })).toMatchObject({
    severity: 'note',
    check: 'relay-later',
    what: expect.stringContaining('smtpd_recipient_restrictions, which refuses them, comes later'),
  });
});

test.each([
  ['', [ASK], 'no reject_unauth_destination in smtpd_recipient_restrictions nor smtpd_relay_restrictions: '],
  [
    '2.9.6',
    ['check_policy_service unix:private/policy'],
    'no reject_unauth_destination in smtpd_recipient_restrictions: ',
  ],
  ['', [ASK, 'reject_unauth_destination'], 'check_policy_service stands before reject_unauth_destination: '],
])('what an open relay lacks, in Postfix %s with %s', (version, steps, what) => {
  const own = `${NO_RELAY}\n${recipient('permit_mynetworks', ...steps)}`;
  const parameters = version === '' ? own : `${own}\nmail_version = ${version}`;
  expect(only({ parameters }).what).toMatch(new RegExp(`^${what}`));
});
