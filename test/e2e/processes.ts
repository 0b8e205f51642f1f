// The filters of one Postfix, looked up in /proc: spawn(8) tells nobody whom it has started.
import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of the programs started by Node whose command line names something below `directory`. */
export function filtersOf(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const [program, ...rest] = commandLine(pid);
      return program?.endsWith('node') && rest.some((word) => word.includes(`${directory}/`));
    });
}

/** Empty where the process is gone by now, or is a zombie. */
function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
