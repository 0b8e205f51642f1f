// How the lines begin that may match, as sources of regular expressions, for a list that is not read yet (large.ts). Lines
// that fit are then read and compared as in any list: more of them than match may fit, but none may be missed.

/** Of a name or a user; whoever has more costs a reading of the list instead. */
const MOST_PARTS = 16;
/** After an entry: space, or a comment. */
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

/** Every network with the address, four words as `parseNetwork` reads them: by its first 32 or 16 bits, or a short prefix. */
export function networksOf(words: Int32Array): string {
  const [first, second, third, last] = words as unknown as [number, number, number, number];
  const prefix = (lengths: string) => `/0*(?:${lengths})(?=[\\s#\\]])`;
  // Lazy: most of what begins so has no slash, and is not to be gone through a second time, backwards.
  const networks = [
    `${group(first >>> 16)}:(?::|${group(first & 0xffff)}:)`,
    `[\\da-f]*?:[\\da-f:.]*?${prefix('[12]?\\d|3[01]')}`,
  ];
  if (first === 0 && second === 0 && third === 0)
    networks.push(`${last >>> 24}\\.${(last >>> 16) & 0xff}(?!\\d)`, `[\\d.]+?${prefix('\\d|1[0-5]')}`);
  return `\\[*(?:${networks.join('|')})`;
}

/** Zero may have no digit at all: `::`. */
function group(value: number): string {
  return `0*${value === 0 ? '' : value.toString(16)}`;
}
