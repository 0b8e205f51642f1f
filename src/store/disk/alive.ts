// Whether another process is still there. (Process numbers are reused, so one that is alive may be another process.)

/** Whether a process with this number is alive, whatever user it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
