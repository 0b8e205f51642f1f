// Records of the house, the store's own: a text under a name. Knows nothing of what the texts mean.
import { seekChecked } from '../pages/check.ts';
import { type Meta, nodeDataSize } from '../pages/format.ts';
import type { Path } from '../pages/tree.ts';
import { writeHouse as writeKey } from '../records/key.ts';
import { HOUSE_HEAD, readHouse, writeHouse } from '../records/record.ts';
import { KEY_AT, valueAt } from './instruction.ts';
import { putRecord } from './transaction.ts';
import type { Writer } from './writer.ts';

/** The text of the record that was searched last, at `at` of the path's pages; undefined where `at` is below 0. */
export function houseText({ pages, exact }: Path, at: number): string | undefined {
  return at < 0 ? undefined : readHouse(pages, at, nodeDataSize(pages, exact));
}

/** The text under the name; undefined: there is none. Within a transaction, for the name may be put after that. */
export function findHouse({ path, instruction }: Writer, meta: Meta, name: string): string | undefined {
  const { key } = instruction;
  return houseText(path, seekChecked(path, meta, key, writeKey(key, 0, name)));
}

/** Puts the text, latin1, under the name, within a transaction that has searched for the name. */
export function putHouse(writer: Writer, name: string, text: string): boolean {
  const { bytes, key } = writer.instruction;
  const length = writeKey(key, 0, name);
  const value = valueAt(length);
  const size = HOUSE_HEAD + bytes.write(text, value + HOUSE_HEAD, 'latin1');
  writeHouse(bytes, KEY_AT, length, value, size);
  return putRecord(writer, length, size);
}
