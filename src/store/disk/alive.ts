// Whether another process is still there, and at work. (Process numbers are reused, so one that is alive may be another process.)
import { readFileSync } from 'node:fs';

/** Whether a process with this number is alive, whatever user it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether it is stopped: by a signal, by Ctrl-Z in a terminal, or by a debugger. False where that cannot be known. */
export function isStopped(pid: number): boolean {
  try {
    return /\) [Tt] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false; // no /proc in a chroot
  }
}
