// All judgements together: what is said where all is well, of who asks, and where there is nothing to ask about.
import { expect, test } from 'vitest';
import { judge } from '../../../src/admin/doctor/judge.ts';
import { amiss, DATABASE, facts, only, recipient } from './healthy.ts';

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

test('the database of --db is judged, too, where master.cf has no entry', () => {
  const found = amiss({
    entries: 'smtp inet n - y - - smtpd\n',
    parameters: recipient('reject_unauth_destination'),
    facts: { database: { ...DATABASE, damage: 'is truncated to 100 bytes' } },
  });
  expect(found.map(({ check }) => check)).toEqual(['entry', 'damage']);
});
