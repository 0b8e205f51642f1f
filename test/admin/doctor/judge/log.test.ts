// Where messages go, on planted facts.
import { expect, test } from 'vitest';
import type { Place } from '../../../../src/admin/doctor/permissions.ts';
import { ENTRIES, inode, only, place } from '../healthy.ts';

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

test.each(['none', 'stderr'])('--log %s', (target) => {
  const entries = `${ENTRIES.trimEnd()} --log ${target}\n`;
  expect(only({ entries })).toMatchObject({ severity: 'note', check: 'log' });
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
