// The text that Berkeley DB's db_dump writes, with and without -p (and LMDB's mdb_dump, which is the same): its keys and
// values, whatever they mean.
import { withoutReturn } from './lines.ts';
import { type Lines, type Problem, problem } from './record.ts';

interface Pair {
  kind: 'pair';
  /** The value's line. */
  line: number;
  key: string;
  value: string;
}

/**
 * Yields the pairs of a dump. `isValue` tells a value from a key by its form: after a bad line, that shows which of the two
 * comes next.
 */
export async function* readPairs(
  lines: Lines,
  isValue: (text: string) => boolean,
): AsyncGenerator<Pair | Problem> {
  let place: 'header' | 'data' = 'header';
  let decode = fromHex;
  let databases = 0;
  let key: string | undefined;
  let number = 0;
  // Yielded when another line follows: without one, the dump may have been cut off within the value.
  let last: Pair | undefined;
  for await (const whole of lines) {
    number++;
    if (last !== undefined) yield last;
    last = undefined;
    const line = withoutReturn(whole);
    if (place === 'header') {
      if (line === 'format=print') decode = fromPrint;
      else if (line === 'format=bytevalue') decode = fromHex;
      else if (line === 'HEADER=END') {
        databases++;
        place = 'data';
        key = undefined;
      } else if (!/^(\w+=.*)?$/.test(line)) yield problem(number, 'is no line of the header of a db_dump');
    } else if (line === 'DATA=END') {
      if (key !== undefined) yield problem(number, 'a key has no value');
      place = 'header';
    } else {
      const text = line.startsWith(' ') ? decode(line.slice(1)) : undefined;
      if (text === undefined) {
        yield problem(number, 'is no line of a db_dump');
        key = undefined;
      } else if (key !== undefined && isValue(text)) {
        last = { kind: 'pair', line: number, key, value: text };
        key = undefined;
      } else if (isValue(text)) {
        yield problem(number, 'a value has no key');
      } else {
        if (key !== undefined) yield problem(number - 1, 'a key has no value, or one of another program');
        key = text;
      }
    }
  }
  if (place === 'data')
    yield problem(number, 'the dump ends without DATA=END: it was cut off, make it again');
  else if (databases === 0) yield problem(number, 'the dump has no HEADER=END: it is none, or was cut off');
}

function fromHex(text: string): string | undefined {
  const bytes = Buffer.from(text, 'hex');
  return bytes.length * 2 === text.length ? bytes.toString('latin1') : undefined;
}

function fromPrint(text: string): string | undefined {
  if (!text.includes('\\')) return text;
  if (/\\(?![\da-f]{2}|\\)/i.test(text.replaceAll('\\\\', ''))) return undefined;
  return text.replace(/\\(?:\\|([\da-f]{2}))/gi, (_, hex?: string) =>
    hex === undefined ? '\\' : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
