// Reads one input to its end and passes what it brings to a merge, in batches; counts what could not be read.
import { IN_ORDER } from '../../store/admin/change.ts';
import type { Input } from '../input.ts';
import { plural } from '../text.ts';
import { detectFormat, type Format, READERS } from './format.ts';
import { linesOf } from './lines.ts';
import type { Imported, Problem } from './record.ts';

/** What a merge did: how many records it made, changed, and left as they were. */
export interface Merged {
  created: number;
  changed: number;
  unchanged: number;
  /** Too old for an engine to take them. */
  expired: number;
}

export const NOTHING: Merged = { created: 0, changed: 0, unchanged: 0, expired: 0 };

/** Earliest first seen, latest last seen, passed if either passed, and the greater count of each origin. */
export type Merge = (records: Iterable<Imported>) => Promise<Merged>;

export interface Outcome extends Merged {
  format: Format;
  triples: number;
  clients: number;
  /** Lines that could not be read, by what is wrong with them; `line` is the first. */
  problems: { what: string; count: number; line: number }[];
}

export interface ImportSettings {
  /** Undefined: to be detected by the first bytes. */
  format: Format | undefined;
  /** Undefined: what the input says of that, or else the name of its format. */
  origin: string | undefined;
}

/** Throws an Error for the user where the input is of no format, or cannot be read. */
export async function importFrom(
  input: Input,
  settings: ImportSettings,
  merge: Merge,
  progress: (part: number) => void,
): Promise<Outcome> {
  const detected = settings.format === undefined ? detectFormat(input.first) : { format: settings.format };
  if ('why' in detected) throw new Error(`${input.name} ${detected.why}`);
  const { format } = detected;
  const origin = settings.origin ?? format.replace(/-.*/, '');
  const outcome: Outcome = { format, triples: 0, clients: 0, problems: [], ...NOTHING };
  let batch: Imported[] = [];
  const flush = async () => {
    const merged = await merge(batch);
    for (const what of Object.keys(merged) as (keyof Merged)[]) outcome[what] += merged[what];
    batch = [];
    progress(input.part());
  };
  try {
    for await (const found of READERS[format](linesOf(input.chunks), { origin, asOf: input.asOf })) {
      if (found.kind === 'problem') note(outcome, found);
      else {
        if (found.kind === 'triple') outcome.triples++;
        else outcome.clients++;
        batch.push(found);
        if (batch.length === IN_ORDER) await flush();
      }
    }
    if (batch.length > 0) await flush();
  } catch (error) {
    const merged = outcome.created + outcome.changed + outcome.unchanged;
    if (merged > 0 && error instanceof Error)
      error.message += `; the first ${plural(merged, 'record')} of ${input.name} were merged`;
    throw error;
  }
  return outcome;
}

function note({ problems }: Outcome, { line, what }: Problem): void {
  const known = problems.find((one) => one.what === what);
  if (known === undefined) problems.push({ what, count: 1, line });
  else known.count++;
}
