// The registered domain of a host name, by the rules of the Public Suffix List, which the caller passes as a table. Nothing
// is built from the table, so that the first use costs no more than any other. Pure.

const COMMA = 44;

/**
 * The registrable domain of a host name in lower case, e.g. `example.co.uk` of `mx.mail.example.co.uk`; undefined
 * where the name itself is a public suffix. `table` holds the list's rules of two and more labels in groups such as
 * ` uk,ac,co, ` for ac.uk and co.uk, sorted by the UTF-16 code units of their first element. Both sections of the list
 * count, ICANN's and the private one: names below a private suffix (members.linode.com) belong to different customers.
 */
export function registrableDomain(table: string, name: string): string | undefined {
  const suffixAt = suffixStart(table, name);
  if (suffixAt < 2) return undefined;
  const at = name.lastIndexOf('.', suffixAt - 2) + 1;
  return at < suffixAt - 1 ? name.slice(at) : undefined; // an empty label is nobody's
}

/** Where the public suffix begins: by the longest rule that matches, else at the last label (the list's algorithm). */
function suffixStart(table: string, name: string): number {
  for (let at = 0, dot = name.indexOf('.'); dot >= 0; at = dot + 1, dot = name.indexOf('.', at)) {
    const labels = labelsBefore(table, name, dot + 1);
    if (labels === '') continue;
    const label = name.slice(at, dot);
    if (labels.includes(`,!${label},`)) return dot + 1;
    if (labels.includes(`,${label},`) || labels.includes(',*,')) return at;
  }
  return name.lastIndexOf('.') + 1;
}

/** What may stand before the name from `at` on, as `,ac,co,`; '' where there is no such rule. A binary search. */
function labelsBefore(table: string, name: string, at: number): string {
  let low = 0; // the space before the first candidate
  let high = table.length - 1; // the space after the last one
  while (low < high) {
    const start = table.lastIndexOf(' ', (low + high - 1) >> 1) + 1;
    const end = table.indexOf(' ', start);
    const order = compare(table, start, name, at);
    if (order === 0) return table.slice(start + name.length - at, end);
    if (order > 0) low = end;
    else high = start - 1;
  }
  return '';
}

/** Below, equal to or above 0 where the name from `at` on sorts before, is, or sorts after the group at `start`. */
function compare(table: string, start: number, name: string, at: number): number {
  for (let i = 0; ; i++) {
    const listed = table.charCodeAt(start + i);
    if (at + i === name.length) return listed === COMMA ? 0 : -1;
    const own = name.charCodeAt(at + i);
    if (listed === COMMA || own !== listed) return listed === COMMA ? 1 : own - listed;
  }
}
