// Restriction lists as smtpd(8) goes through them, and the questions to policy services in them.
import { expect, test } from 'vitest';
import { hiddenClasses, questionsOf, stepsOf, unknownIn } from '../../../src/admin/doctor/restrictions.ts';
import { serviceOf } from './healthy.ts';

const smtpd = serviceOf('smtp inet n - n - - smtpd');

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

test('words that smtpd(8) does not know, where it gets to them', () => {
  const parameters = {
    smtpd_client_restrictions:
      'Permit_mynetworks, hash:/etc/x, check_client_access hash:/etc/y, permit-all, permit, later',
    smtpd_recipient_restrictions: 'warn_if_reject grey, sleep 1 Dunno',
  };
  const known = (name: string) =>
    ['permit_mynetworks', 'check_client_access', 'permit', 'sleep', 'dunno'].includes(name);
  expect(unknownIn([smtpd], parameters, known)).toEqual([
    { where: 'main.cf: smtpd_client_restrictions', name: 'permit-all' },
    { where: 'main.cf: smtpd_recipient_restrictions', name: 'grey' },
  ]);
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
