// Runs a command as the command line does, with a store that only listens.
import { vi } from 'vitest';
import type { Imported } from '../../src/admin/import/record.ts';
import type { Merging } from '../../src/admin/import.ts';

/** The options that say where the records are, of which nothing is used here. */
export const NOWHERE = {
  db: 'unused',
  store: undefined,
  'store-password-file': undefined,
  'store-timeout': 100,
  'retry-window': 0,
  'max-age': 0,
} as const;

/** What the command writes to standard output, its status, and what it hands to the store, which leaves out what is too old. */
export async function watch(
  run: (merging: Merging) => number | Promise<number>,
  isTooOld: (record: Imported) => boolean = () => false,
) {
  let output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text;
    return true;
  });
  const batches: Imported[][] = [];
  let closed = 0;
  const merge = async (records: Iterable<Imported>) => {
    const batch = [...records];
    batches.push(batch);
    const expired = batch.filter(isTooOld).length;
    return { created: batch.length - expired, changed: 0, unchanged: 0, expired };
  };
  const merging: Merging = (_, work) => work(merge).finally(() => void closed++);
  let status: number | Error;
  try {
    status = await run(merging);
  } catch (error) {
    status = error as Error;
  } finally {
    vi.restoreAllMocks();
  }
  return { output, status, records: batches.flat(), batches, closed };
}
