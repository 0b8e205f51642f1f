// greylatch salvage: by hand what the filter does by itself, copy into a database what a damaged file holds.
import { lstatSync } from 'node:fs';
import { flushLast } from '../store/durable.ts';
import { checkPlace } from '../store/place.ts';
import { salvage } from '../store/salvage.ts';
import { closeWriter, openWriter } from '../store/writer.ts';
import { newBar } from './progress.ts';

/** Copies from `damaged` into the database `into`, where what is there already stays. Returns the exit status. */
export function runSalvage(damaged: string, into: string): number {
  const bar = newBar('saving');
  try {
    const from = lstatSync(damaged, { throwIfNoEntry: false });
    if (from?.isFile() !== true) throw new Error(`${damaged} is not a file; name the damaged database`);
    if (lstatSync(into, { throwIfNoEntry: false })?.ino === from.ino) {
      throw new Error(`${into} is the damaged file itself; name another one with --into`);
    }
    checkPlace(into);
    const writer = openWriter(into);
    let saved = { records: 0, pages: 0, of: 1 };
    for (const step of salvage(damaged, writer)) {
      saved = step;
      bar.show(step.pages / step.of);
    }
    flushLast(writer);
    closeWriter(writer);
    bar.end();
    process.stdout.write(
      `${saved.records} records saved from ${saved.pages} pages of ${damaged} into ${into}\n`,
    );
    return 0;
  } catch (error) {
    bar.end();
    process.stderr.write(`greylatch: ${(error as Error).message}\n`);
    return 2;
  }
}
