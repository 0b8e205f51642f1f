// The status for people: of what there is much of, the first few, and how many more there are.
import { expect, test } from 'vitest';
import type { Status } from '../../../src/admin/status/gather.ts';
import { rowsOf } from '../../../src/admin/status/print.ts';
import { newPaint } from '../../../src/admin/text.ts';

const STATUS: Status = {
  db: 'greylist.mdb',
  size: 4096,
  triples: { waiting: 0, passed: 0, expired: 0 },
  clients: { whitelisted: 0, counted: 0, expired: 0 },
  oldest: undefined,
  newest: undefined,
  processes: [],
  unseen: 0,
  lastDamage: undefined,
  sound: false,
  problems: [],
};

test('what is wrong with the file as a whole is a sentence, too', () => {
  const problems = ['is truncated: page 7 is missing', 'page 6 is truncated'];
  const rows = rowsOf(
    { ...STATUS, problems: problems.map((what) => ({ page: undefined, what })) },
    0,
    newPaint(false),
  );
  expect(rows.filter(([heading]) => heading === '').map(([, text]) => text)).toEqual([
    'the file is truncated: page 7 is missing',
    'page 6 is truncated',
  ]);
});

test.each([0, 10, 12])('%i problems, and as many processes', (count) => {
  const numbers = Array.from({ length: count }, (_, i) => i);
  const rows = rowsOf(
    {
      ...STATUS,
      problems: numbers.map((page) => ({ page, what: 'is rubbish' })),
      processes: numbers.map((pid) => ({ pid, command: 'node greylatch' })),
    },
    0,
    newPaint(false),
  );
  const texts = rows.filter(([heading]) => heading === '').map(([, text]) => text);
  const more = count > 10 ? ['and 2 more'] : [];
  expect(texts).toEqual([
    ...numbers.slice(0, 10).map((page) => `page ${page} is rubbish`),
    ...more,
    ...numbers.slice(0, 10).map((pid) => `${pid} node greylatch`),
    ...more,
  ]);
});
