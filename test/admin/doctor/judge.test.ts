// Judgements on planted facts: what a real Postfix on this machine cannot be brought to, and the fine points.
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/admin/doctor/finding.ts';
import { judge } from '../../../src/admin/doctor/judge.ts';
import { DATABASE, ENTRIES, facts, inode, NOBODY, place, type Wrong } from './healthy.ts';

const amiss = (wrong?: Wrong) => judge(facts(wrong)).filter(({ severity }) => severity !== 'ok');

/** The one finding that there is. */
function only(wrong: Wrong): Finding {
  const found = amiss(wrong);
  expect(found).toHaveLength(1);
  return found[0]!;
}

const ASK = 'check_policy_service { unix:private/policy, default_action=DUNNO }';
const recipient = (...steps: string[]) => `smtpd_recipient_restrictions = ${steps.join(' ')}`;
const NO_RELAY = 'smtpd_relay_restrictions =';

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

describe('the place of check_policy_service', () => {
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
        recipient(
          'permit_mynetworks',
          'permit_auth_destination',
          'check_client_access static:reject',
          'defer_unauth_destination',
          ASK,
        ),
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

  test('where only an access table leads to it, that is said', () => {
    const parameters = `smtpd_restriction_classes = grey\ngrey = ${ASK}\n${recipient('reject_unauth_destination check_recipient_access hash:/etc/postfix/grey')}`;
    expect(only({ parameters })).toMatchObject({
      severity: 'note',
      check: 'unasked',
      where: 'main.cf: grey',
    });
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

  test('a port for strangers that is left out is a note', () => {
    const overrides =
      'smtp/inet/smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n';
    const entries = `${ENTRIES}smtpd pass - - y - - smtpd\n`;
    expect(only({ entries, overrides })).toMatchObject({
      severity: 'note',
      check: 'unasked',
      where: 'master.cf: smtp/inet',
    });
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
    ['OK', 'warning'],
    ['permit', 'warning'],
    ['REJECT', 'warning'],
    ['550 5.7.1 no', 'warning'],
    ['451 4.3.5 later', 'note'],
    ['defer_if_permit later', 'note'],
  ])('%s is a %s', (action, severity) => {
    expect(only(withAction(action))).toMatchObject({ severity, check: 'default-action' });
  });
  test('of all policy services', () => {
    const plain = recipient('permit_mynetworks', 'check_policy_service unix:private/policy');
    expect(amiss({ parameters: `${plain}\nsmtpd_policy_service_default_action = DUNNO` })).toEqual([]);
    expect(only({ parameters: plain })).toMatchObject({ severity: 'note', check: 'default-action' });
    expect(amiss({ parameters: `mail_version = 2.11.0\n${plain}` })).toEqual([]); // it has none
  });
});

describe('the service', () => {
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
  test.each([
    ['-', '0', true],
    ['-', '2', false],
    ['y', '3.6', true],
  ])('chroot %s at compatibility level %s: in the chroot? %s', (chroot, level, closed) => {
    const entries = ENTRIES.replace('n       n       -       0', `n ${chroot} - 0`);
    const found = amiss({ entries, parameters: `compatibility_level = ${level}` });
    expect(found.map(({ check }) => check)).toEqual(closed ? ['chroot'] : []);
  });
  test('an absolute path leads nowhere in a chroot', () => {
    const parameters = recipient('permit_mynetworks', ASK.replace('private', '/var/spool/postfix/private'));
    expect(only({ parameters })).toMatchObject({ check: 'endpoint', mend: 'write unix:private/policy' });
    expect(amiss({ parameters, entries: ENTRIES.replace(' y ', ' n ') })).toEqual([]);
  });
  test('several are told apart, and one that nobody asks is a note beside one that is asked', () => {
    const entries = `${ENTRIES}spare unix - n n - 0 spawn user=nobody argv=/usr/bin/node /usr/local/bin/greylatch\n`;
    const found = amiss({ entries, parameters: 'spare_time_limit = 3600s' });
    expect(found.filter(({ check }) => check !== 'socket')).toMatchObject([
      { severity: 'note', check: 'entry', what: '2 services run greylatch: policy/unix, spare/unix' },
      { severity: 'note', check: 'unasked', where: 'master.cf: spare/unix' },
    ]);
  });
  test('while Postfix is not running, its socket is not missed', () => {
    expect(only({ facts: { running: false, sockets: {} } })).toMatchObject({
      severity: 'note',
      check: 'socket',
    });
  });
});

describe('the program', () => {
  test('a first line that finds no node', () => {
    expect(only({ entry: { nodePlace: undefined, node: undefined } })).toMatchObject({
      check: 'node',
      severity: 'error',
    });
  });
  test('Node of several ages', () => {
    const found = (out: string) =>
      amiss({ entry: { nodeRun: { status: 0, out, error: '' } } }).map(({ check }) => check);
    expect(found('v19.9.0')).toEqual(['node']);
    expect(found('v26.0.0')).toEqual([]);
    expect(found('')).toEqual(['node']);
  });
  test('the group of postdrop is refused', () => {
    expect(only({ entry: { account: { ...NOBODY, gid: 108 } } })).toMatchObject({
      check: 'user',
      what: expect.stringContaining('postdrop'),
    });
  });
  test('an unknown attribute before argv=', () => {
    const entries = ENTRIES.replace('user=nobody', 'user=nobody chdir=/tmp');
    expect(only({ entries })).toMatchObject({ check: 'user', what: expect.stringContaining('"chdir=/tmp"') });
  });
  test('many neighbours are not all named', () => {
    const others = Array.from({ length: 8 }, (_, i) => `the process p${i}`);
    expect(only({ entry: { others } })).toMatchObject({
      severity: 'note',
      check: 'shared-user',
      what: expect.stringContaining('p4 and 3 more'),
    });
  });
});

describe('the database', () => {
  const database = (wrong: Partial<typeof DATABASE>) => ({ entry: { database: { ...DATABASE, ...wrong } } });

  test.each([
    ['nfs4', 'error', 'network'],
    ['cifs', 'error', 'network'],
    ['fuse.sshfs', 'error', 'network'],
    ['tmpfs', 'note', 'fleeting'],
    ['overlay', 'note', 'fleeting'],
  ])('on %s: %s', (type, severity, check) => {
    expect(only(database({ mount: { point: '/var', type, readOnly: false } }))).toMatchObject({
      severity,
      check,
      where: '/var',
    });
  });
  test.each(['ext4', 'xfs', 'btrfs', 'zfs', 'fuse.mergerfs'])('on %s: well', (type) => {
    expect(amiss(database({ mount: { point: '/', type, readOnly: false } }))).toEqual([]);
  });
  test('on a read-only file system', () => {
    const found = amiss(
      database({
        mount: { point: '/var', type: 'ext4', readOnly: true },
        place: 'cannot open /var/mta/greylist.mdb: the file system is read-only',
      }),
    );
    expect(found.map(({ check }) => check)).toContain('read-only');
  });
  test('space and inodes', () => {
    const space = DATABASE.space!;
    expect(only(database({ space: { ...space, free: 2 ** 20 } }))).toMatchObject({
      severity: 'warning',
      check: 'space',
      what: expect.stringContaining('1 MiB'),
    });
    expect(only(database({ space: { ...space, freeInodes: 3 } }))).toMatchObject({
      severity: 'warning',
      check: 'inodes',
    });
    expect(amiss(database({ space: { ...space, inodes: 0, freeInodes: 0 } }))).toEqual([]); // btrfs counts none
  });
  test('a directory above that anybody can replace; the sticky bit keeps it', () => {
    const below = (mode: number) =>
      database({
        directory: place('/srv/x/mta', inode('/srv/x/mta', 0o700, NOBODY.uid), inode('/srv/x', mode, 0)),
      });
    expect(only(below(0o777))).toMatchObject({
      severity: 'warning',
      check: 'world-writable',
      mend: 'chmod o-w /srv/x',
    });
    expect(amiss(below(0o1777))).toEqual([]);
  });
  test('not there yet', () => {
    expect(
      amiss(
        database({ file: place(DATABASE.path, undefined), lock: place(`${DATABASE.path}-lock`, undefined) }),
      ),
    ).toEqual([]);
  });
  test('everybody may write to the file', () => {
    const file = place(DATABASE.path, inode(DATABASE.path, 0o666, NOBODY.uid, 'file'));
    expect(only(database({ file }))).toMatchObject({
      severity: 'warning',
      check: 'file',
      mend: `chmod 600 ${DATABASE.path}`,
    });
  });
  test('of --db, where master.cf has no entry', () => {
    const found = amiss({
      entries: 'smtp inet n - y - - smtpd\n',
      parameters: recipient('reject_unauth_destination'),
      facts: { database: { ...DATABASE, damage: 'is truncated to 100 bytes' } },
    });
    expect(found.map(({ check }) => check)).toEqual(['entry', 'damage']);
  });
});

describe('the log', () => {
  const without = (parameters: string) =>
    only({ parameters, facts: { devLog: place('/dev/log', undefined) } });

  test('no /dev/log, and Postfix with a log of its own', () => {
    expect(without('maillog_file = /var/log/mail.log')).toMatchObject({
      severity: 'warning',
      check: 'log',
      what: expect.stringContaining('maillog_file = /var/log/mail.log'),
      mend: 'in argv= of policy/unix: --log file:/var/mta/greylatch.log',
    });
  });
  test('no /dev/log, and no other log', () => {
    expect(without('')).toMatchObject({
      check: 'log',
      mend: expect.stringContaining('start a syslog service'),
    });
  });
  test.each(['none', 'stderr'])('--log %s', (target) => {
    const entries = `${ENTRIES.trimEnd()} --log ${target}\n`;
    expect(only({ entries })).toMatchObject({ severity: 'note', check: 'log' });
  });
});

test('one who is not root is told so', () => {
  expect(only({ facts: { root: false, sockets: {} } })).toMatchObject({ severity: 'note', check: 'root' });
});
