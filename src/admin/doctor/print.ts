// The findings for people: aligned, in colour on a terminal that has them. Text only; nothing is written here.

import { type Finding, isToMend, type Severity } from './finding.ts';
import type { Configuration } from './postconf.ts';

const COLOURS: Record<Severity, number> = { ok: 32, note: 36, warning: 33, error: 31 };
const WIDEST = 'warning'.length;

export function printed({ version, directory }: Configuration, findings: Finding[], colour: boolean): string {
  const lines = findings.flatMap(({ severity, where, what, mend }) => {
    const label = severity.padEnd(WIDEST);
    const shown = colour ? `\x1b[${COLOURS[severity]}m${label}\x1b[0m` : label;
    const indent = ' '.repeat(WIDEST + 2);
    return [
      `${shown}  ${where}`,
      `${indent}${what}`,
      ...(mend === undefined ? [] : [`${indent}mend: ${mend}`]),
    ];
  });
  return [`Postfix ${version}, ${directory}`, '', ...lines, '', summary(findings), ''].join('\n');
}

export function summary(findings: Finding[]): string {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const numbers = (['error', 'warning', 'note'] as const).map((severity) => {
    const number = count(severity);
    return `${number} ${severity}${number === 1 ? '' : 's'}`;
  });
  return `${findings.some(isToMend) ? 'To be mended' : 'All is well'}: ${numbers.join(', ')}`;
}

/** A terminal, and nobody who said NO_COLOR (which may be empty: then it says nothing). */
export function wantsColour(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env.NO_COLOR;
}
