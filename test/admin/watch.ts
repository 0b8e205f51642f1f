// Runs a command as the command line does, with a store that only listens.
import { vi } from 'vitest';
import type { Imported } from '../../src/admin/import/record.ts';
import type { OpenMerge } from '../../src/admin/import.ts';

/** What the command writes to standard output, its status, and what it hands to the store. */
export async function watch(run: (open: OpenMerge) => number | Promise<number>) {
  let output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text;
    return true;
  });
  const batches: Imported[][] = [];
  let closed = 0;
  const merge = (records: Iterable<Imported>) => {
    const batch = [...records];
    batches.push(batch);
    return { created: batch.length, changed: 0, unchanged: 0 };
  };
  const open = () => ({ merge, close: () => void closed++ });
  let status: number | Error;
  try {
    status = await run(open);
  } catch (error) {
    status = error as Error;
  } finally {
    vi.restoreAllMocks();
  }
  return { output, status, records: batches.flat(), batches, closed };
}
