// greylatch salvage: by hand what the filter does by itself, copy into a database what a damaged file holds.
import { lstatSync } from 'node:fs';
import { defineCommand } from '../cli/command.ts';
import { flushLast } from '../store/durable.ts';
import { openWriter } from '../store/open.ts';
import { checkPlace } from '../store/place.ts';
import { salvage } from '../store/salvage.ts';
import { closeWriter } from '../store/writer.ts';
import { newBar } from './progress.ts';

export const salvageCommand = defineCommand({
  name: 'salvage',
  describe: 'copy what a damaged file still holds into a database',
  options: {
    into: { kind: 'path', required: true, describe: 'the database; what it has already stays' },
  },
  positionals: { damaged: { required: true, describe: 'the damaged file; it stays as it is' } },
  examples: [
    [
      'salvage greylist.mdb.damaged-20261124T020304Z --into greylist.mdb',
      'by hand what the filter does by itself',
    ],
  ],
  statuses: { 0: 'what could be read was copied' },
  run({ damaged, into }) {
    const from = lstatSync(damaged, { throwIfNoEntry: false });
    if (from?.isFile() !== true) throw new Error(`${damaged} is not a file; name the damaged database`);
    if (lstatSync(into, { throwIfNoEntry: false })?.ino === from.ino) {
      throw new Error(`${into} is the damaged file itself; name another one with --into`);
    }
    checkPlace(into);
    const bar = newBar('saving');
    const writer = openWriter(into);
    let saved = { records: 0, pages: 0, of: 1 };
    try {
      for (const step of salvage(damaged, writer)) {
        saved = step;
        bar.show(step.pages / step.of);
      }
      flushLast(writer);
    } finally {
      closeWriter(writer);
      bar.end();
    }
    process.stdout.write(
      `${saved.records} records saved from ${saved.pages} pages of ${damaged} into ${into}\n`,
    );
    return 0;
  },
});
