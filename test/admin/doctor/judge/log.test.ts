// Where messages go, on planted facts.
import { expect, test } from 'vitest';
import { ENTRIES, only, place } from '../healthy.ts';

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
