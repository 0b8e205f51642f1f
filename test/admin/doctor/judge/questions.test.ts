// Who asks the filter, whether the question arrives, and what mail gets when it does not, on planted facts.
import { describe, expect, test } from 'vitest';
import { judge } from '../../../../src/admin/doctor/judge.ts';
import { ASK, amiss, ENTRIES, facts, inode, only, place, recipient } from '../healthy.ts';

test('where only an access table leads to it, that is said', () => {
  const parameters = `smtpd_restriction_classes = ours, grey\nours = permit_mynetworks\ngrey = ${ASK}\n${recipient('reject_unauth_destination check_recipient_access hash:/etc/postfix/grey')}`;
  expect(only({ parameters })).toMatchObject({
    severity: 'note',
    check: 'unasked',
    where: 'main.cf: grey',
  });
});

test.each(['smtp/inet', 'smtpd/pass'])('a port for strangers that is left out is a note: %s', (name) => {
  const overrides = `${name}/smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n`;
  const entries = `${ENTRIES}smtpd pass - - y - - smtpd\n`;
  expect(only({ entries, overrides })).toMatchObject({
    severity: 'note',
    check: 'unasked',
    where: `master.cf: ${name}`,
  });
});

test('several are told apart, and one that nobody asks is a note beside one that is asked', () => {
  const entries = `${ENTRIES}spare unix - n n - 0 spawn user=nobody argv=/usr/bin/node /usr/local/bin/greylatch\n`;
  const found = amiss({ entries, parameters: 'spare_time_limit = 3600s' });
  expect(found.filter(({ check }) => check !== 'socket')).toMatchObject([
    { severity: 'note', check: 'entry', what: '2 services run greylatch: policy/unix, spare/unix' },
    { severity: 'note', check: 'unasked', where: 'master.cf: spare/unix' },
  ]);
});

test('an absolute path leads nowhere in a chroot', () => {
  const parameters = recipient('permit_mynetworks', ASK.replace('private', '/var/spool/postfix/private'));
  expect(only({ parameters })).toMatchObject({ check: 'endpoint', mend: 'write unix:private/policy' });
  expect(amiss({ parameters, entries: ENTRIES.replace(' y ', ' n ') })).toEqual([]);
});

test('a word that smtpd(8) does not know, and a class that is not declared', () => {
  const where = 'main.cf: smtpd_client_restrictions';
  const found = (name: string, ...remarks: string[]) => {
    const { configuration } = facts();
    const unknown = [{ where, name }];
    return amiss({ facts: { unknown, configuration: { ...configuration, remarks } } })[0];
  };
  expect(found('permit_my_networks')).toMatchObject({
    severity: 'error',
    check: 'restriction',
    where,
    what: expect.stringContaining('"permit_my_networks" is no restriction'),
  });
  expect(found('grey', `/etc/postfix/main.cf: unused parameter: grey=${ASK}`)).toMatchObject({
    mend: expect.stringContaining('smtpd_restriction_classes = grey'),
  });
});

test('a list in master.cf that hides the one in main.cf is what has to change', () => {
  const overrides = 'smtp/inet/smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n';
  expect(only({ overrides })).toMatchObject({
    severity: 'error',
    check: 'unasked',
    where: 'master.cf: smtp/inet -o smtpd_recipient_restrictions',
    what: expect.stringContaining('hides'),
  });
});

test('a socket that is left of a service which master.cf has no more is no other program’s', () => {
  const socket = '/var/spool/postfix/private/policy';
  const entries = ENTRIES.replace('policy  ', 'greylist');
  const left = place(socket, inode(socket, 0o666, 102, 'socket'));
  const found = (stale: string[]) =>
    amiss({
      entries,
      parameters: 'greylist_time_limit = 3600s',
      facts: { sockets: { [socket]: left }, stale },
    }).filter(({ check }) => check === 'endpoint' || check === 'unasked');
  expect(found([])).toMatchObject([{ check: 'unasked' }]);
  expect(found([socket])).toMatchObject([
    { severity: 'error', check: 'endpoint', what: expect.stringMatching(/nobody listens/) },
  ]);
});

test('a port of this host on which nobody listens: a greylisting that was there before', () => {
  const found = (endpoint: string, ports: Set<number> | undefined, running = true) =>
    amiss({
      parameters: recipient('permit_mynetworks', `check_policy_service ${endpoint}`, ASK),
      facts: { ports, running },
    }).filter(({ check }) => check === 'endpoint');
  for (const endpoint of ['inet:127.0.0.1:10023', 'inet:localhost:10023', 'inet:[::1]:10023', 'inet:10023']) {
    expect(found(endpoint, new Set([25]))).toMatchObject([
      {
        severity: 'error',
        where: 'main.cf: smtpd_recipient_restrictions',
        what: expect.stringMatching(/10023: nobody listens/),
        mend: expect.stringContaining('take it out of smtpd_recipient_restrictions'),
      },
    ]);
    expect(found(endpoint, new Set([10_023]))).toEqual([]);
    expect(found(endpoint, undefined)).toEqual([]);
    expect(found(endpoint, new Set([25]), false)).toEqual([]);
  }
  for (const endpoint of ['inet:192.0.2.1:10023', 'inet:127.0.0.1:postgrey'])
    expect(found(endpoint, new Set([25]))).toEqual([]);
});

test('while Postfix is not running, its socket is not missed', () => {
  expect(only({ facts: { running: false, sockets: {} } })).toMatchObject({
    severity: 'note',
    check: 'socket',
  });
});

describe('default_action', () => {
  const withAction = (action: string) => ({
    parameters: recipient(
      'permit_mynetworks',
      `check_policy_service { unix:private/policy { default_action = ${action} } }`,
    ),
  });

  test.each(['DUNNO', 'dunno ', 'DUNNO Sorry'])('%s is right', (action) => {
    expect(amiss(withAction(action))).toEqual([]);
  });
  test.each([
    ['OK', 'warning', 'what stands behind it is skipped'],
    ['permit', 'warning', 'what stands behind it is skipped'],
    ['REJECT', 'warning', 'mail is lost'],
    ['550 5.7.1 no', 'warning', 'mail is lost'],
    ['451 4.3.5 later', 'note', 'mail gets "451 4.3.5 later"'],
    ['defer_if_permit later', 'note', 'mail gets "defer_if_permit later"'],
  ])('%s is a %s: %s', (action, severity, what) => {
    const found = { severity, check: 'default-action', what: expect.stringContaining(what) };
    expect(only(withAction(action))).toMatchObject(found);
  });
  test('of all policy services', () => {
    const plain = recipient('permit_mynetworks', 'check_policy_service unix:private/policy');
    expect(amiss({ parameters: `${plain}\nsmtpd_policy_service_default_action = DUNNO` })).toEqual([]);
    expect(only({ parameters: plain })).toMatchObject({ severity: 'note', check: 'default-action' });
    expect(amiss({ parameters: `mail_version = 2.11.0\n${plain}` })).toEqual([]); // it has none
  });
});

test('options that go by names, where smtpd(8) looks none up', () => {
  const entries = (options: string) => ENTRIES.replace('/greylatch\n', `/greylatch ${options}\n`);
  const parameters = 'smtpd_peername_lookup = no\n';
  const all = entries('--client-key pool --greylist suspicious');
  expect(amiss({ entries: all, parameters })).toMatchObject([
    {
      severity: 'warning',
      check: 'names',
      what: expect.stringMatching(/--client-key pool.*--greylist suspicious/),
    },
  ]);
  expect(amiss({ entries: entries('--client-key subnet'), parameters })).toEqual([]);
  const overrides = 'smtp/inet/smtpd_peername_lookup = yes\n';
  expect(amiss({ entries: all, parameters, overrides })).toEqual([]);
  expect(amiss({ entries: all })).toEqual([]);
});

describe('the socket', () => {
  const socket = '/var/spool/postfix/private/policy';
  const at = (self: number, directory: number, owner = 102, kind: 'socket' | 'file' = 'socket') => ({
    facts: {
      sockets: {
        [socket]: place(
          socket,
          inode(socket, self, 102, kind),
          inode('/var/spool/postfix/private', directory, owner),
        ),
      },
    },
  });

  test.each([
    ['all may search its directory', at(0o666, 0o711), 'warning', 'every user of this machine'],
    ['its owner may not write', at(0o466, 0o700), 'error', 'cannot connect'],
    ["its directory is not Postfix's", at(0o666, 0o700, 0), 'error', 'cannot connect'],
    ['it is a file', at(0o666, 0o700, 102, 'file'), 'error', 'is no socket'],
    ['it is not there', { facts: { sockets: {} } }, 'error', 'does not listen for policy/unix yet'],
  ] as const)('%s', (_, wrong, severity, what) => {
    const found = { severity, check: 'socket', where: socket, what: expect.stringContaining(what) };
    expect(only(wrong)).toMatchObject(found);
  });

  test('that of a service which is none in the file system is not looked for', () => {
    const entries = ENTRIES.replace('policy     unix  -', '127.0.0.1:9998 inet n');
    expect(amiss({ entries, facts: { sockets: {} } }).map(({ check }) => check)).not.toContain('socket');
  });
});

describe('a question that no service of master.cf answers', () => {
  const other = '/var/spool/postfix/private/other';
  const parameters = recipient('permit_mynetworks', ASK, ASK.replace('private/policy', 'private/other'));
  const strays = (wrong: Parameters<typeof facts>[0]) =>
    amiss({ parameters, ...wrong }).filter(({ check }) => check === 'endpoint');
  const { sockets } = facts();

  test('may be for another program', () => {
    const there = { ...sockets, [other]: place(other, inode(other, 0o666, 0, 'socket')) };
    expect(strays({ facts: { sockets: there } })).toEqual([]);
    expect(strays({ facts: { sockets: there, running: false, stale: [other] } })).toEqual([]);
    const closed = { ...sockets, [other]: { ...place(other, undefined), reason: 'EACCES' } };
    expect(strays({ facts: { sockets: closed, root: false } })).toEqual([]);
    const reached = recipient('permit_mynetworks', ASK, 'check_policy_service inet:192.0.2.7:10023');
    expect(strays({ parameters: reached })).toEqual([]);
  });

  test('goes nowhere where there is nothing', () => {
    const missing = { ...sockets, [other]: place(other, undefined) };
    for (const root of [true, false])
      expect(strays({ facts: { sockets: missing, root } })).toMatchObject([
        {
          what: 'unix:private/other: no service of master.cf listens there',
          mend: 'write the name of the service in master.cf, unix:private/NAME',
        },
      ]);
  });

  test('is in the wrong directory', () => {
    const entries = `${ENTRIES}other unix n - n - 0 lmtp\n`;
    const there = { ...sockets, [other]: place(other, inode(other, 0o666, 0, 'socket')) };
    for (const stale of [[], [other]])
      expect(strays({ entries, facts: { sockets: there, stale } })).toMatchObject([
        { mend: 'write unix:public/other, as the private column of other/unix says' },
      ]);
  });

  test('is not taken for one of a service that has its name, but no socket', () => {
    const entries = `${ENTRIES}other inet n - n - 0 lmtp\n`;
    expect(strays({ entries })).toMatchObject([{ mend: expect.stringContaining('unix:private/NAME') }]);
  });
});

test('what is to be written for a service that nobody asks', () => {
  const unasked = (parameters: string, wrong: object = {}) => {
    const found = judge(facts({ parameters: `${recipient('permit_mynetworks')}\n${parameters}`, ...wrong }));
    expect(found.map(({ check }) => check)).not.toContain('position');
    return found.find(({ check }) => check === 'unasked');
  };
  expect(unasked('')).toMatchObject({
    severity: 'error',
    where: 'master.cf: policy/unix',
    what: expect.stringMatching(/^nothing is greylisted: /),
    mend: expect.stringContaining('check_policy_service { unix:private/policy, default_action=DUNNO },'),
  });
  expect(unasked('mail_version = 2.11.0')!.mend).toContain('check_policy_service unix:private/policy,');
  // A class that only a table leads to, and a list of a service, which have nothing to do with it.
  expect(unasked('smtpd_restriction_classes = ours\nours = permit_mynetworks')!.where).toContain(
    'policy/unix',
  );
  const overrides = 'smtp/inet/smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n';
  expect(unasked('', { overrides })!.where).toBe('master.cf: policy/unix');
});
