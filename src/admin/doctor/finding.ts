// What doctor finds, as plain data: one finding for each thing that was looked at. Looks at nothing, prints nothing.

/** ok: as it should be; note: nobody has to act; warning: works until something happens; error: does not work. */
export type Severity = 'ok' | 'note' | 'warning' | 'error';

export interface Finding {
  severity: Severity;
  /** A name for what was looked at, for programs: it stays the same from version to version. */
  check: string;
  /** File and line, parameter or path. */
  where: string;
  what: string;
  /** A command to run, or the line to write. */
  mend?: string;
}

export function finding(
  severity: Severity,
  check: string,
  where: string,
  what: string,
  mend?: string,
): Finding {
  return { severity, check, where, what, ...(mend === undefined ? {} : { mend }) };
}

/** Warnings and errors are for somebody to mend. */
export function isToMend({ severity }: Finding): boolean {
  return severity === 'warning' || severity === 'error';
}

/** The findings without duplicates, which services that share a list, or filters that share a database, would bring. */
export function once(findings: Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}

/** The findings, with an `ok` in front where none of them is to be mended. */
export function orOk(findings: Finding[], check: string, where: string, what: string): Finding[] {
  return findings.some(isToMend) ? findings : [finding('ok', check, where, what), ...findings];
}
