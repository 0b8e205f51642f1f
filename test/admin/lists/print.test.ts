// The audit of lists as people are shown it.
import { expect, test } from 'vitest';
import { auditText } from '../../../src/admin/lists/print.ts';
import { newPaint } from '../../../src/admin/text.ts';

test('what is wrong with a line may quote it, but not a byte that a terminal would act upon', () => {
  const entry = { line: 1, text: '/\x1b[31m(/', hits: 0, last: 0, state: 'malformed' as const };
  const trouble = 'cannot be read as a regular expression: /^\x1b[31m(/is';
  const text = auditText(
    [{ file: 'clients', since: 0, entries: [{ ...entry, trouble }] }],
    [],
    0,
    newPaint(false),
  );
  expect(text).toContain('cannot be read as a regular expression: /^\\x1b[31m(/is\n');
  expect(text).not.toContain('\x1b');
});
