// The processes of this machine, as far as /proc shows them (proc(5)). Changes nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { attempt } from './attempt.ts';

/** The numbers of all processes. */
export function processIds(): number[] {
  const names = attempt(() => readdirSync('/proc')) ?? [];
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

/** The words of a process's command line; none where it has ended, or is the kernel's. */
export function commandOf(pid: number): string[] {
  // Each ends with a NUL, but one that a process has changed may end with none, or with many.
  const words = (attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')) ?? '').replace(/\0+$/, '');
  return words === '' ? [] : words.split('\0');
}
