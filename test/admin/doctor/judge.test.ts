// All judgements together: what is said where all is well, of who asks, and where there is nothing to ask about.
import { expect, test } from 'vitest';
import type { Entry } from '../../../src/admin/doctor/gather.ts';
import { judge } from '../../../src/admin/doctor/judge.ts';
import { amiss, DATABASE, ENTRIES, facts, NOBODY, only, recipient } from './healthy.ts';

test('where all is well, every look says so', () => {
  expect(amiss()).toEqual([]);
  expect(judge(facts()).map(({ check }) => check)).toEqual([
    'program',
    'service',
    'position',
    'database',
    'log',
  ]);
});

test('one who is not root is told so', () => {
  expect(only({ facts: { root: false, sockets: {} } })).toMatchObject({ severity: 'note', check: 'root' });
});

test.each([
  ['pipe user=nobody argv=/usr/bin/node /usr/local/bin/greylatch', /runs pipe\(8\), not spawn\(8\)/],
  ['smtpd -v user=nobody argv=/usr/bin/node /usr/local/bin/greylatch', /goes on with/],
  ['spawn user=nobody argv=/usr/bin/node "/usr/local/bin/greylatch"', /quotes/],
  ['spawn user=nobody argv = /usr/bin/node /usr/local/bin/greylatch', /"argv" is neither user= nor argv=/],
])('a service that names greylatch but does not run it is not to be added once more: %s', (command, what) => {
  const entries = `smtp inet n - y - - smtpd\npolicy unix - n n - 0 ${command}\n`;
  const found = amiss({ entries, parameters: recipient('reject_unauth_destination') });
  expect(found).toMatchObject([{ severity: 'error', check: 'entry', where: 'master.cf: policy/unix' }]);
  expect(found[0]!.what).toMatch(what);
  expect(found[0]!.mend).not.toContain('append');
});

test.each([
  ['maillog_file = /var/log/mail.log', 'warning', /all mail can stand still/],
  ['', 'note', /earlier entry: x=y$/],
])('an entry of main.cf that is overridden, %s', (parameters, severity, what) => {
  const remark = '/etc/postfix/main.cf, line 30: overriding earlier entry: x=y';
  const configuration = {
    ...facts({ parameters }).configuration,
    remarks: [remark, 'unused parameter: z=1'],
  };
  const found = amiss({ facts: { configuration } }).filter(({ check }) => check === 'postconf');
  expect(found).toMatchObject([
    { severity, check: 'postconf', what: expect.stringMatching(what) },
    { severity: 'note', check: 'postconf', what: 'postconf: unused parameter: z=1' },
  ]);
});

test('of a service that stands there twice, the last one counts, and that is said', () => {
  const twice = ENTRIES.replace('greylatch', 'greylatch --delay soon') + ENTRIES.split('\n').at(-2);
  expect(only({ entries: `${twice}\n` })).toMatchObject({
    severity: 'warning',
    check: 'twice',
    where: 'master.cf: policy/unix',
  });
});

test('two users of one database: what would give it to the one would lock out the other', () => {
  const line = 'other unix - n n - 0 spawn user=daemon argv=/usr/bin/node /usr/local/bin/greylatch\n';
  const { entries } = facts({ entries: ENTRIES + line });
  const [first, second] = entries as [Entry, Entry];
  const found = (account: Entry['account'], path = DATABASE.path) => {
    const own = { ...second, account, database: { ...DATABASE, path } };
    return judge(facts({ facts: { entries: [first, own] } })).filter(({ check }) => check === 'user');
  };
  const daemon = { name: 'daemon', uid: 1, gid: 1 };
  expect(found(daemon)).toMatchObject([
    {
      severity: 'error',
      where: 'master.cf: other/unix',
      what: expect.stringMatching(/^as daemon .*as nobody/),
    },
  ]);
  const all = judge(facts({ facts: { entries: [first, { ...second, account: daemon }] } }));
  expect(all.map(({ mend }) => mend).join()).not.toContain('chown daemon');
  expect(found(NOBODY)).toEqual([]);
  expect(found(daemon, '/var/mta/other.mdb')).toEqual([]);
});

test('the database of --db is judged, too, where master.cf has no entry', () => {
  const found = amiss({
    entries: 'smtp inet n - y - - smtpd\n',
    parameters: recipient('reject_unauth_destination'),
    facts: { database: { ...DATABASE, damage: 'is truncated to 100 bytes' } },
  });
  expect(found.map(({ check }) => check)).toEqual(['entry', 'damage']);
});

test('where a program that smtpd asks does not exist, it may be greylatch, mistyped', () => {
  const mistyped = [{ name: 'policy/unix', program: '/usr/local/bin/greylach' }];
  const entries = 'policy unix - n n - 0 spawn user=nobody argv=/usr/local/bin/greylach\n';
  expect(only({ entries, facts: { mistyped } })).toMatchObject({
    severity: 'error',
    check: 'entry',
    where: 'master.cf: policy/unix',
    what: expect.stringContaining('/usr/local/bin/greylach does not exist'),
    mend: expect.stringContaining('argv=/usr/bin/node'),
  });
});

test('LMDB cannot be loaded', () => {
  const addons = { lmdb: 'cannot load LMDB: x', syslog: '' };
  expect(only({ facts: { addons } })).toMatchObject({
    severity: 'error',
    check: 'lmdb',
    mend: expect.stringContaining('--include=optional'),
  });
});
