// The policy protocol (SMTPD_POLICY_README): bytes in, requests out. Knows nothing of what is done with them,
// and nothing of where the bytes come from; any chunking of the same bytes gives the same requests.
import { emptyRequest, type PolicyRequest } from '../greylist/request.ts';

/** Who is told what was read. The request is used again for the next one: keep nothing of it. */
export interface Listener {
  /** A whole request. Returns false to read no further. */
  request(request: PolicyRequest): boolean;
  /** A line that is no attribute, at most its first 100 bytes. */
  garbage(line: string): void;
  /** A line or a request without an end. Nothing is read after it. */
  tooLong(what: string): void;
  /** Every attribute, as it is read; undefined where nobody wants to know. */
  attribute: ((name: string, value: string) => void) | undefined;
}

/** Names and values are cut here, as greylist.pl does. */
const MOST_VALUE = 512;
/** No line and no request that Postfix sends comes near these; what is longer ends the session. */
const MOST_LINE = 64 * 1024;
const MOST_REQUEST = 1024 * 1024;

const NEWLINE = 10;
const RETURN = 13;
const EQUALS = 61;

type Name = keyof PolicyRequest;
const EMPTY = emptyRequest();

/** The names that matter, by their length; all the others are passed over without being copied. */
const NAMES: (readonly [Name, Buffer])[][] = [];
for (const name of Object.keys(emptyRequest()) as Name[]) {
  const entry = [name, Buffer.from(name)] as const;
  const sameLength = NAMES[name.length];
  if (sameLength === undefined) NAMES[name.length] = [entry];
  else sameLength.push(entry);
}

/** Takes the bytes from 0 to `length` of a chunk. Returns false once nothing more is to be read. */
export type Decoder = (chunk: Buffer, length: number) => boolean;

export function newDecoder(listener: Listener): Decoder {
  const request = emptyRequest();
  let held: Buffer = Buffer.alloc(0); // the beginning of a line whose end has not come yet
  let heldLength = 0;
  let requestLength = 0;
  let open = true;

  /** One line, without its end. Returns whether to go on. */
  function line(bytes: Buffer, from: number, end: number, equals: number): boolean {
    requestLength += end - from + 1;
    const to = end > from && bytes[end - 1] === RETURN ? end - 1 : end;
    if (to === from) {
      const more = listener.request(request);
      clear();
      return more;
    }
    if (requestLength > MOST_REQUEST) {
      listener.tooLong(`a request of more than ${MOST_REQUEST} bytes`);
      return false;
    }
    if (equals <= from || equals >= to)
      listener.garbage(bytes.toString('latin1', from, Math.min(to, from + 100)));
    else attribute(bytes, from, equals, to);
    return true;
  }

  function attribute(bytes: Buffer, from: number, equals: number, to: number): void {
    const start = equals + 1;
    const end = to - start > MOST_VALUE ? start + MOST_VALUE : to;
    const name = nameOf(bytes, from, equals);
    if (name !== undefined) request[name] = bytes.toString('latin1', start, end);
    if (listener.attribute !== undefined) {
      const nameEnd = Math.min(equals, from + MOST_VALUE);
      listener.attribute(bytes.toString('latin1', from, nameEnd), bytes.toString('latin1', start, end));
    }
  }

  function clear(): void {
    Object.assign(request, EMPTY);
    requestLength = 0;
  }

  /** Keeps the beginning of a line until the next chunk comes. */
  function hold(bytes: Buffer, from: number, to: number): boolean {
    const length = heldLength + to - from;
    if (length > MOST_LINE) {
      listener.tooLong(`a line of more than ${MOST_LINE} bytes`);
      return false;
    }
    if (length > held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(MOST_LINE, length * 2));
      held.copy(larger, 0, 0, heldLength);
      held = larger;
    }
    bytes.copy(held, heldLength, from, to);
    heldLength = length;
    return true;
  }

  return (chunk, length) => {
    let from = 0;
    if (open && heldLength > 0) {
      const end = chunk.indexOf(NEWLINE);
      const whole = end >= 0 && end < length;
      open = hold(chunk, 0, whole ? end : length);
      if (!open || !whole) return open;
      const kept = heldLength;
      heldLength = 0;
      const equals = held.indexOf(EQUALS);
      open = line(held, 0, kept, equals < kept ? equals : -1);
      from = end + 1;
    }
    let equals = -1;
    for (let i = from; open && i < length; i++) {
      const c = chunk[i];
      if (c === EQUALS) {
        if (equals < 0) equals = i;
      } else if (c === NEWLINE) {
        open = i - from > MOST_LINE ? hold(chunk, from, i) : line(chunk, from, i, equals);
        from = i + 1;
        equals = -1;
      }
    }
    if (open && from < length) open = hold(chunk, from, length);
    return open;
  };
}

function nameOf(bytes: Buffer, from: number, to: number): Name | undefined {
  const names = NAMES[to - from];
  if (names === undefined) return undefined;
  for (const [name, spelt] of names) {
    let i = 0;
    while (i < spelt.length && bytes[from + i] === spelt[i]) i++;
    if (i === spelt.length) return name;
  }
  return undefined;
}
