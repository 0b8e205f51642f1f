// What the process that runs the tests has open, as Linux tells it.
import { readdirSync, readlinkSync } from 'node:fs';

/** The names of its open files; of one that was removed, with a remark of the kernel's. */
export function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // that of the directory itself
    }
  });
}
