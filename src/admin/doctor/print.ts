// The findings for people: aligned, and in colour on a terminal. Makes text; writes nothing.
import { type Colour, type Paint, plural, tame } from '../text.ts';
import { type Finding, isToMend, type Severity } from './finding.ts';

const COLOURS: Record<Severity, Colour> = { ok: 'green', note: 'cyan', warning: 'yellow', error: 'red' };
const WIDEST = 'warning'.length;

/** `head` says what was looked at. A terminal obeys none of what findings quote, e.g. the name of a process. */
export function printed(head: string, findings: Finding[], paint: Paint): string {
  const lines = findings.flatMap(({ severity, where, what, mend }) => {
    const label = severity.padEnd(WIDEST);
    const shown = paint(COLOURS[severity], label);
    const indent = ' '.repeat(WIDEST + 2);
    return [
      `${shown}  ${tame(where)}`,
      `${indent}${tame(what)}`,
      ...(mend === undefined ? [] : [`${indent}mend: ${tame(mend)}`]),
    ];
  });
  return [head, '', ...lines, '', summary(findings), ''].join('\n');
}

function summary(findings: Finding[]): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const numbers = (['error', 'warning', 'note'] as const).map((severity) =>
    plural(count(severity), severity),
  );
  return `${findings.some(isToMend) ? 'To be mended' : 'All is well'}: ${numbers.join(', ')}`;
}
