// Bytes as lines of bounded length. A line is a latin1 string, one character a byte, without its LF.

/** More than the longest line that mysqldump writes (net_buffer_length, at most 16 MiB). */
export const MOST_LINE = 16 * 1024 * 1024 + 65536;

const BYTE_ORDER_MARK = '\xef\xbb\xbf';

/**
 * The lines of a file, without the byte order mark that some editors put before the first. A line is cut off at MOST_LINE; its
 * reader then finds it malformed.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let begun = '';
  let mark = BYTE_ORDER_MARK;
  for await (const chunk of chunks) {
    const text = chunk.toString('latin1');
    let at = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      const line = join(begun, text.slice(at, end));
      yield line.startsWith(mark) ? line.slice(mark.length) : line;
      mark = '';
      begun = '';
      at = end + 1;
    }
    begun = join(begun, text.slice(at));
  }
  if (begun !== '') yield begun.startsWith(mark) ? begun.slice(mark.length) : begun;
}

/** The line without the CR that files of other systems have. */
export function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** A copy to keep: a part of a string would keep the whole chunk that it is part of in memory. */
export function keep(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function join(begun: string, more: string): string {
  if (begun.length + more.length <= MOST_LINE) return begun + more;
  return begun + more.slice(0, MOST_LINE - begun.length);
}
