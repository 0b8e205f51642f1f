// A hash table from a hash to places in a list's bytes: flat arrays, so that 100,000 entries are a few
// milliseconds and a few megabytes. Nothing here knows what is hashed; whoever looks up compares the text.

export interface Table {
  /** Four numbers a row: hash, start and end of the text, line. */
  rows: Int32Array;
  count: number;
  /** Row + 1, or 0 where free. */
  slots: Int32Array;
}

const WIDTH = 4;

/** An empty table. Room for more rows than come costs next to nothing: what is never touched is no memory. */
export function newTable(expected: number): Table {
  return { rows: new Int32Array((expected + 1) * WIDTH), count: 0, slots: new Int32Array(1) };
}

/** Adds a row; it is found after `indexRows`. */
export function addRow(table: Table, hash: number, start: number, end: number, line: number): void {
  let at = table.count * WIDTH;
  if (at === table.rows.length) {
    const rows = new Int32Array(at * 2);
    rows.set(table.rows);
    table.rows = rows;
  }
  const { rows } = table;
  rows[at++] = hash;
  rows[at++] = start;
  rows[at++] = end;
  rows[at] = line;
  table.count++;
}

/** Makes all rows findable, with at least half of the slots free. */
export function indexRows(table: Table): void {
  const { rows, count } = table;
  const slots = new Int32Array(2 ** (32 - Math.clz32(count * 2)));
  const last = slots.length - 1;
  for (let row = 0; row < count; row++) {
    let slot = spread(rows[row * WIDTH]!) & last;
    while (slots[slot] !== 0) slot = (slot + 1) & last;
    slots[slot] = row + 1;
  }
  table.slots = slots;
}

/** The first row with this hash for which `same` says yes, or -1. */
export function findRow(table: Table, hash: number, same: (start: number, end: number) => boolean): number {
  const { rows, slots } = table;
  const last = slots.length - 1;
  for (let slot = spread(hash) & last; slots[slot] !== 0; slot = (slot + 1) & last) {
    const row = slots[slot]! - 1;
    const at = row * WIDTH;
    if (rows[at] === hash && same(rows[at + 1]!, rows[at + 2]!)) return row;
  }
  return -1;
}

/** The place of a row in the list. */
export function placeOf({ rows }: Table, row: number): { start: number; end: number; line: number } {
  const at = row * WIDTH;
  return { start: rows[at + 1]!, end: rows[at + 2]!, line: rows[at + 3]! };
}

/** The high bits, which have seen every byte, decide as well. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}
