// Who is not greylisted: each exception by itself, and which one counts where a request falls under several.
import { expect, test } from 'vitest';
import { type ExceptionSettings, exceptionFor } from '../../src/greylist/exceptions.ts';
import { emptyRequest, type PolicyRequest } from '../../src/greylist/request.ts';

const NONE: ExceptionSettings = {
  greylist: 'all',
  hostname: 'mx.home.example',
  roleAccounts: false,
  exceptRecipients: [],
  clientList: undefined,
  recipientList: undefined,
  onlyList: undefined,
};
const REQUEST: PolicyRequest = {
  ...emptyRequest(),
  request: 'smtpd_access_policy',
  protocol_state: 'RCPT',
  client_address: '192.0.2.17',
  client_name: 'mail.example.org',
  helo_name: 'mail.example.org',
  sender: 'ann@example.org',
  recipient: 'bob@example.net',
};
const ruleOf = (request: Partial<PolicyRequest>, settings: Partial<ExceptionSettings> = {}) =>
  exceptionFor({ ...REQUEST, ...request }, { ...NONE, ...settings })?.rule;
const entry = (text: string) => ({ file: '/etc/list', line: 7, text });
const all = { match: () => entry('all') };
const nobody = { match: () => undefined };

test('a mail from outside falls under none', () => {
  expect(ruleOf({})).toBeUndefined();
  expect(ruleOf({}, { clientList: nobody, recipientList: nobody, onlyList: all })).toBeUndefined();
});

test('of several, one counts: what the request is, then whom the lists name, then what is general', () => {
  const request = {
    sasl_username: 'ann',
    protocol_state: 'VRFY',
    recipient: 'postmaster@example.net',
  };
  const settings: Partial<ExceptionSettings> = {
    greylist: 'suspicious',
    roleAccounts: true,
    exceptRecipients: ['postmaster@example.net'],
    clientList: all,
    recipientList: all,
    onlyList: nobody,
  };
  expect(ruleOf(request, settings)).toBe('authenticated');
  request.sasl_username = '';
  expect(ruleOf(request, settings)).toBe('no mail yet');
  request.protocol_state = 'RCPT';
  expect(ruleOf(request, settings)).toBe('client list');
  settings.clientList = nobody;
  expect(ruleOf(request, settings)).toBe('recipient list');
  settings.recipientList = nobody;
  expect(ruleOf(request, settings)).toBe('not opted in');
  settings.onlyList = all;
  expect(ruleOf(request, settings)).toBe('role account');
  settings.roleAccounts = false;
  expect(ruleOf(request, settings)).toBe('excepted recipient');
  settings.exceptRecipients = [];
  expect(ruleOf(request, settings)).toBe('not suspicious');
  settings.greylist = 'observe';
  expect(ruleOf(request, settings)).toBeUndefined();
});

test.each([
  ['CONNECT', false],
  ['HELO', false],
  ['EHLO', false],
  ['XCLIENT', false],
  ['VRFY', false],
  ['ETRN', false],
  ['MAIL', true],
  ['RCPT', true],
  ['DATA', true],
  ['END-OF-MESSAGE', true],
  ['', true],
])('at %s there is a mail to judge: %s', (protocol_state, judged) => {
  expect(ruleOf({ protocol_state })).toBe(judged ? undefined : 'no mail yet');
});

test('lists are asked for what the request says, and the line that matched is told', () => {
  const asked: string[][] = [];
  const asking = (found: string | undefined) => ({
    match: (...who: string[]) => {
      asked.push(who);
      return found === undefined ? undefined : entry(found);
    },
  });
  const settings = { ...NONE, clientList: asking(undefined), recipientList: asking('bob@') };
  expect(exceptionFor(REQUEST, settings)).toEqual({ rule: 'recipient list', entry: entry('bob@') });
  expect(asked).toEqual([['mail.example.org', '192.0.2.17'], ['bob@example.net']]);
});

test.each([
  ['postmaster@example.net', true],
  ['Abuse@Example.NET', true],
  ['ABUSE@', true],
  ['postmaster', true],
  ['postmaster2@example.net', false],
  ['postmaster+spam@example.net', false],
  ['bob@postmaster', false],
  ['abuse@x@example.net', false],
  ['"postmaster@x"@example.net', false],
  ['', false],
])('%s is a role account: %s', (recipient, is) => {
  expect(ruleOf({ recipient }, { roleAccounts: true })).toBe(is ? 'role account' : undefined);
});

test('excepted recipients are whole addresses, or local parts in any domain', () => {
  const exceptRecipients = ['bob@example.net', 'info@'];
  const isExcepted = (recipient: string) =>
    ruleOf({ recipient }, { exceptRecipients }) === 'excepted recipient';
  const others = ['bob@example.com', 'xbob@example.net', 'bob', 'info+x@example.com', 'x@info', '@', ''];
  for (const recipient of ['BOB@example.NET', 'Info@example.com', 'info@other.example', 'info'])
    expect([recipient, isExcepted(recipient)]).toEqual([recipient, true]);
  for (const recipient of others) expect([recipient, isExcepted(recipient)]).toEqual([recipient, false]);
});

test('with suspicious, a client that says it is this server, or the recipient’s, is greylisted', () => {
  const rule = (helo_name: string) => ruleOf({ helo_name }, { greylist: 'suspicious' });
  expect(rule('mail.example.org')).toBe('not suspicious');
  expect(rule('mx.home.example')).toBeUndefined();
  expect(rule('example.net')).toBeUndefined();
});
