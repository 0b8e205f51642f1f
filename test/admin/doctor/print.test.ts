// How findings look on a terminal.
import { expect, test } from 'vitest';
import type { Finding } from '../../../src/admin/doctor/finding.ts';
import { printed } from '../../../src/admin/doctor/print.ts';
import { newPaint } from '../../../src/admin/text.ts';

test('control characters in what a finding quotes are shown, not obeyed', () => {
  const text = 'the process \x1b]0;x\x07\n\x9b8m';
  const finding: Finding = { severity: 'note', check: 'a', where: text, what: text, mend: text };
  const lines = printed('head', [finding], newPaint(false)).split('\n').slice(2, 5);
  for (const line of lines) expect(line).toContain('the process \\x1b]0;x\\x07\\x0a\\x9b8m');
});

test('text for people: aligned, and in colour only where it is wanted', () => {
  const findings: Finding[] = [
    { severity: 'ok', check: 'a', where: 'here', what: 'well' },
    { severity: 'warning', check: 'b', where: 'there', what: 'odd', mend: 'chmod' },
  ];
  const plain = printed('Postfix 3.7.11, /etc/postfix', findings, newPaint(false));
  expect(plain).toBe(`Postfix 3.7.11, /etc/postfix

ok       here
         well
warning  there
         odd
         mend: chmod

To be mended: 0 errors, 1 warning, 0 notes
`);
  const coloured = printed('Postfix 3.7.11, /etc/postfix', findings, newPaint(true));
  expect(coloured).toContain('\x1b[33mwarning\x1b[0m  there');
  // biome-ignore lint/complexity/useRegexLiterals: a literal would hide the escape
  expect(coloured.replace(new RegExp('\x1b\\[\\d*m', 'g'), '')).toBe(plain);
});
