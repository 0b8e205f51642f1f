// The domain that somebody registered, by the rules of the Public Suffix List in a table that the caller has. Nothing
// is built from the table, so that its first use costs no more than any other. Pure.

const SPACE = 32;

/**
 * The registrable domain of a host name in lower case, e.g. `example.co.uk` of `mx.mail.example.co.uk`; undefined
 * where the name itself is a public suffix. `table` holds the list's rules of two and more labels, sorted by their
 * UTF-16 code units, each between two spaces. ICANN's and the private section count alike: below a private suffix
 * (members.linode.com) are different customers.
 */
export function registrableDomain(table: string, name: string): string | undefined {
  const suffixAt = suffixStart(table, name);
  if (suffixAt < 2) return undefined;
  const at = name.lastIndexOf('.', suffixAt - 2) + 1;
  return at < suffixAt - 1 ? name.slice(at) : undefined; // an empty label is nobody's
}

/** Where the public suffix begins: of the longest rule that holds, else of the last label (the list's algorithm). */
function suffixStart(table: string, name: string): number {
  for (let at = 0, dot = name.indexOf('.'); dot >= 0; at = dot + 1, dot = name.indexOf('.', at)) {
    if (has(table, '!', name, at)) return dot + 1;
    if (has(table, '', name, at) || has(table, '*', name, dot)) return at;
  }
  return name.lastIndexOf('.') + 1;
}

/** Whether the table has the rule that is `mark` and the name from `at` on: a binary search among them. */
function has(table: string, mark: '' | '!' | '*', name: string, at: number): boolean {
  let low = 0; // the space before the first rule that it can be
  let high = table.length - 1; // the space behind the last
  while (low < high) {
    const start = table.lastIndexOf(' ', (low + high - 1) >> 1) + 1;
    const order = compare(table, start, mark, name, at);
    if (order === 0) return true;
    if (order > 0) low = table.indexOf(' ', start);
    else high = start - 1;
  }
  return false;
}

/** Less than, equal to or more than 0 as the rule comes before, is, or comes after the one at `start`. */
function compare(table: string, start: number, mark: string, name: string, at: number): number {
  const length = mark.length + name.length - at;
  for (let i = 0; ; i++) {
    const listed = table.charCodeAt(start + i);
    if (i === length) return listed === SPACE ? 0 : -1;
    if (listed === SPACE) return 1;
    const own = i < mark.length ? mark.charCodeAt(i) : name.charCodeAt(at + i - mark.length);
    if (own !== listed) return own - listed;
  }
}
