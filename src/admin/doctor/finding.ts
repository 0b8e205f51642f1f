// What the doctor has to say, as plain data: one finding for each thing looked at. Nothing here looks or prints.

/** ok: as it should be; note: nobody has to act; warning: works until something happens; error: does not work. */
export type Severity = 'ok' | 'note' | 'warning' | 'error';

export interface Finding {
  severity: Severity;
  /** What was looked at: a name for programs, which stays the same from version to version. */
  check: string;
  /** File and line, parameter or path. */
  where: string;
  what: string;
  /** A command to run, or the line to write. */
  mend?: string;
}

/** Warnings and errors are for somebody to mend. */
export function isToMend({ severity }: Finding): boolean {
  return severity === 'warning' || severity === 'error';
}

/** Each finding only once: services that share a list, or filters that share a database, share what is said of it. */
export function once(findings: Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}

/** The findings, and an `ok` before them where none is to be mended. */
export function orOk(findings: Finding[], check: string, where: string, what: string): Finding[] {
  return findings.some(isToMend) ? findings : [{ severity: 'ok', check, where, what }, ...findings];
}
