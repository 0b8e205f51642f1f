// Where messages go, on planted facts.
import { expect, test } from 'vitest';
import { judge } from '../../../../src/admin/doctor/judge.ts';
import type { Place, User } from '../../../../src/admin/doctor/permissions.ts';
import { amiss, DATABASE, ENTRIES, facts, inode, NOBODY, only, place } from '../healthy.ts';

const without = (parameters: string) => only({ parameters, facts: { devLog: place('/dev/log', undefined) } });

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

test('/dev/log is there, but the package for this kind of machine is not', () => {
  const addons = { lmdb: '', syslog: "Cannot find module 'x'" };
  expect(only({ facts: { addons } })).toMatchObject({
    severity: 'warning',
    check: 'log',
    what: expect.stringContaining("(Cannot find module 'x')"),
    mend: 'in argv= of policy/unix: --log file:/var/mta/greylatch.log',
  });
});

test('--log none', () => {
  const entries = `${ENTRIES.trimEnd()} --log none\n`;
  expect(only({ entries })).toMatchObject({ severity: 'note', check: 'log' });
});

test('--log stderr, which is syslog under spawn(8)', () => {
  const entries = `${ENTRIES.trimEnd()} --log stderr\n`;
  expect(amiss({ entries })).toEqual([]);
  expect(only({ ...NO_SYSLOG, entries })).toMatchObject({ severity: 'warning', where: '/dev/log' });
});

test.each<[string, Place, string]>([
  [
    'that does not exist yet',
    place('/var/log', inode('/var/log', 0o755, 0)),
    'touch /var/log/x && chown nobody /var/log/x && chmod 600 /var/log/x',
  ],
  [
    'in a closed directory',
    place('/var/log', inode('/var/log', 0o700, 0)),
    'in argv= of policy/unix: --log syslog, ',
  ],
  ['in no directory', place('/var/log', undefined), 'in argv= of policy/unix: --log syslog, '],
])('a file %s, which the filter cannot make: its directory stays whose it is', (_, directory, mend) => {
  const found = only({ entry: { log: { file: place('/var/log/x', undefined), directory } } });
  expect(found).toMatchObject({ severity: 'warning', check: 'log', mend: expect.stringContaining(mend) });
});

test.each<[string, Place, number]>([
  [
    'that is there, in a directory that is not the filter’s',
    place('/var/log/x', inode('/var/log/x', 0o600, NOBODY.uid, 'file')),
    0o755,
  ],
  ['that the filter can make', place('/var/log/x', undefined), 0o777],
])('a file %s', (_, file, mode) => {
  const log = { file, directory: place('/var/log', inode('/var/log', mode, 0)) };
  const said = (account: User | undefined) => {
    const entries = `${ENTRIES.trimEnd()} --log file:/var/log/x\n`;
    return judge(facts({ entries, entry: { account, log } })).filter(({ check }) => check === 'log');
  };
  expect(said(NOBODY)).toMatchObject([{ severity: 'ok', what: 'messages go to /var/log/x' }]);
  expect(said(undefined)).toEqual([]);
});

const NO_SYSLOG = { facts: { devLog: place('/dev/log', undefined) } };
const CLOSED = inode('/srv/x', 0o700, 0);

test('a file in a closed directory: not its owner is what keeps the filter out', () => {
  const file = place('/srv/x/log', inode('/srv/x/log', 0o600, NOBODY.uid, 'file'), CLOSED);
  const log = { file, directory: place('/srv/x', CLOSED) };
  expect(only({ entry: { log } }).mend).toBe(
    'in argv= of policy/unix: --log syslog, or --log file:/var/mta/greylatch.log',
  );
  expect(only({ ...NO_SYSLOG, entry: { log } }).mend).toBe(
    'in argv= of policy/unix: --log file:/var/mta/greylatch.log',
  );
});

test('no /dev/log: nobody is sent there', () => {
  const entries = `${ENTRIES.trimEnd()} --log none\n`;
  expect(only({ ...NO_SYSLOG, entries }).mend).toBe(
    'in argv= of policy/unix: --log file:/var/mta/greylatch.log',
  );
});

test('no /dev/log, a database whose directory others share, behind one that is to be opened: it stays there', () => {
  const directory = place('/srv/x/mta', inode('/srv/x/mta', 0o700, NOBODY.uid), CLOSED);
  const found = amiss({ ...NO_SYSLOG, entry: { database: { ...DATABASE, directory, shared: true } } });
  expect(found.find(({ check }) => check === 'log')?.mend).toContain('--log file:/srv/x/mta/greylatch.log');
});

test.each([
  ['that the filter may write, with other files in it', 0o700, NOBODY.uid, true, '/srv/mta'],
  ['that it gets', 0o700, 0, false, '/srv/mta'],
  ["that is others'", 0o755, 0, true, '/var/mta'],
  ['that anybody may write', 0o777, NOBODY.uid, true, '/var/mta'],
])(
  'no /dev/log, a database in a directory %s: the log lies where the database will',
  (_, mode, uid, shared, where) => {
    const directory = place('/srv/mta', inode('/srv/mta', mode, uid));
    const database = { ...DATABASE, path: '/srv/mta/greylist.mdb', directory, shared };
    const found = amiss({ ...NO_SYSLOG, entry: { database } });
    expect(found.find(({ check }) => check === 'log')?.mend).toContain(`--log file:${where}/greylatch.log`);
  },
);
