// How lines that may match begin, as sources of regular expressions, for a list that is not read yet (large.ts). The lines
// found are then read and compared as in any list: there may be some that do not match, but none may be missed.

/** The most parts of a name or a user; one with more has the whole list read instead. */
const MOST_PARTS = 16;
/** What follows an entry: space, or a comment. */
export const END = '(?=[\\s#])';

export function literal(text: string): string {
  return text.replace(/[^a-z0-9]/gi, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The name `a.b.c`, or `b.c`, or `c`. */
export function tailsOf(name: string): string | undefined {
  const labels = name.split('.');
  if (labels.length > MOST_PARTS) return undefined;
  return labels.map(literal).reduce((tail, label) => `(?:${tail}\\.)?${label}`);
}

/** The user `a+b+c`, or `a+b`, or `a`. */
export function headsOf(user: string): string | undefined {
  const parts = user.split('+');
  if (parts.length > MOST_PARTS) return undefined;
  return parts.map(literal).reduceRight((head, part) => `${part}(?:\\+${head})?`);
}

/** Every network that contains the address (four words, see `parseNetwork`): by its first 32 or 16 bits, or a short prefix. */
export function networksOf(words: Int32Array): string {
  const [first, second, third, last] = words as unknown as [number, number, number, number];
  const prefix = (lengths: string) => `/0*(?:${lengths})(?=[\\s#\\]])`;
  // Lazy quantifiers: most lines that begin so have no slash, and should not be searched backwards as well.
  const networks = [
    `${group(first >>> 16)}:(?::|${group(first & 0xffff)}:)`,
    `[\\da-f]*?:[\\da-f:.]*?${prefix('[12]?\\d|3[01]')}`,
  ];
  if (first === 0 && second === 0 && third === 0)
    networks.push(`${last >>> 24}\\.${(last >>> 16) & 0xff}(?!\\d)`, `[\\d.]+?${prefix('\\d|1[0-5]')}`);
  return `\\[*(?:${networks.join('|')})`;
}

/** A group of an IPv6 address. Zero may have no digit at all: `::`. */
function group(value: number): string {
  return `0*${value === 0 ? '' : value.toString(16)}`;
}
