// Bytes in, requests out: the same whatever the chunks they come in.
import { describe, expect, test } from 'vitest';
import { newDecoder } from '../../src/filter/protocol.ts';
import { emptyRequest } from '../../src/greylist/request.ts';
import { makeRandom, type Random } from '../support/random.ts';

interface Seen {
  events: string[];
  open: boolean;
}

/** Feeds `bytes` cut at random into chunks (one chunk without `random`) and notes everything that is told. */
function decode(bytes: Buffer, random?: Random): Seen {
  const events: string[] = [];
  const decoder = newDecoder({
    request: (request) => events.push(`request ${JSON.stringify(request)}`) > 0,
    garbage: (line) => void events.push(`garbage ${line}`),
    tooLong: (what) => void events.push(`too long: ${what}`),
    attribute: (name, value) => void events.push(`${name}=${value}`),
  });
  let open = true;
  for (let at = 0; at < bytes.length; ) {
    const size = random === undefined ? bytes.length : 1 + random.below(random.chance(0.5) ? 3 : 90);
    const chunk = Buffer.from(bytes.subarray(at, at + size)); // a copy: the decoder may keep none of it
    open = decoder(chunk, chunk.length);
    chunk.fill(0);
    at += size;
  }
  return { events, open };
}

const requestsIn = (text: string) =>
  decode(Buffer.from(text, 'latin1'))
    .events.filter((event) => event.startsWith('request '))
    .map((event) => JSON.parse(event.slice(8)) as Record<string, string>);

describe('a request', () => {
  test('is split at the first =, and the last of a repeated attribute counts', () => {
    const [request] = requestsIn('sender=a=b\nsender=c=d=\nrequest=x\n\n');
    expect(request).toMatchObject({ sender: 'c=d=', request: 'x', recipient: '' });
  });

  test('has values cut at 512 bytes, and no name by its first 512', () => {
    const [request] = requestsIn(`sender=${'s'.repeat(513)}\nrecipient${'x'.repeat(600)}=y\n\n`);
    expect(request?.sender).toBe('s'.repeat(512));
    expect(request?.recipient).toBe('');
  });

  test('may have CR LF line ends, bytes that are not ASCII, and attributes that nobody knows', () => {
    const [first, second] = requestsIn('sender=\xe4\xff\x00\r\nunknown=1\r\n\r\nrecipient=r\n\n');
    expect(first).toMatchObject({ sender: '\xe4\xff\x00', recipient: '' });
    expect(second).toMatchObject({ sender: '', recipient: 'r' });
  });

  test('ignores lines without = or without a name, and tells of them', () => {
    const { events } = decode(Buffer.from(`nothing\n=value\n${'x'.repeat(101)}\nsender=s\n\n`));
    expect(events.filter((event) => event.startsWith('garbage'))).toEqual([
      'garbage nothing',
      'garbage =value',
      `garbage ${'x'.repeat(100)}`,
    ]);
    expect(events.at(-1)).toContain('"sender":"s"');
  });

  test('has each attribute that matters under its own name, and no other', () => {
    const request = { ...emptyRequest() };
    for (const name of Object.keys(request) as (keyof typeof request)[]) request[name] = `the ${name}`;
    const lines = Object.entries(request).map(([name, value]) => `${name}=${value}\n`);
    expect(requestsIn(`${lines.join('')}sende=x\nsizes=y\n\n`)).toEqual([request]);
  });

  test('is told attribute by attribute to whoever wants to know, with what is too long cut', () => {
    const text = `sender=a=b\nany=\r\n${'n'.repeat(513)}=${'v'.repeat(513)}\n\n`;
    const { events } = decode(Buffer.from(text));
    expect(events.slice(0, -1)).toEqual(['sender=a=b', 'any=', `${'n'.repeat(512)}=${'v'.repeat(512)}`]);
    const senders: string[] = [];
    const decoder = newDecoder({
      request: ({ sender }) => senders.push(sender) > 0,
      garbage: () => {},
      tooLong: () => {},
      attribute: undefined,
    });
    decoder(Buffer.from(text), text.length);
    expect(senders).toEqual(['a=b']);
  });

  test('is not told while its end is missing', () => {
    expect(requestsIn('request=x\nsender=y\n')).toEqual([]);
  });
});

describe('any chunking of any bytes', () => {
  const pieces = [
    'sender=',
    'recipient=a@b',
    '\n',
    '\n\n',
    '\r\n',
    '=',
    'request=smtpd_access_policy\n',
    '\xff',
    'x',
  ];
  test.each([1, 2, 3, 4, 5])('gives the same (seed %i)', (seed) => {
    const random = makeRandom(seed);
    for (let round = 0; round < 300; round++) {
      const parts = Array.from({ length: random.below(40) }, () =>
        random.chance(0.02) ? 'y'.repeat(random.below(70_000)) : random.pick(pieces),
      );
      const bytes = Buffer.from(parts.join(''), 'latin1');
      expect(decode(bytes, random)).toEqual(decode(bytes));
    }
  });
});

describe('what has no end', () => {
  test('a line of more than 64 KiB closes the session', () => {
    for (const random of [undefined, makeRandom(7)]) {
      const { events, open } = decode(Buffer.from(`sender=${'x'.repeat(65_537)}\n\n`), random);
      expect(events).toEqual(['too long: a line of more than 65536 bytes']);
      expect(open).toBe(false);
    }
  });

  test('a line of 64 KiB does not, nor a request of 1 MiB, nor many requests that are more together', () => {
    const long = `sender=${'x'.repeat(65_529)}\n`;
    for (const random of [undefined, makeRandom(7)])
      expect(decode(Buffer.from(`${long}\n`), random)).toMatchObject({ events: { length: 2 }, open: true });
    const lines = 'sender=x\n'.repeat(116_508);
    const whole = `${lines}any\n`; // 1 MiB to the byte
    expect(whole).toHaveLength(1_048_576);
    for (const random of [undefined, makeRandom(7)])
      expect(decode(Buffer.from(`${whole}\n`.repeat(2)), random).open).toBe(true);
    expect(decode(Buffer.from(`${lines}many\n\n`)).open).toBe(false);
  });

  test('a line whose end does not come closes it as soon as it is too long', () => {
    const told: string[] = [];
    const nothing = () => {};
    const decoder = newDecoder({
      request: () => true,
      garbage: nothing,
      tooLong: (what) => void told.push(what),
      attribute: undefined,
    });
    const piece = Buffer.alloc(16 * 1024, 'x');
    for (let i = 0; i < 4; i++) expect(decoder(piece, piece.length)).toBe(true);
    expect(decoder(piece, 1)).toBe(false);
    expect(told).toEqual(['a line of more than 65536 bytes']);
    expect(decoder(Buffer.from('\n\n'), 2)).toBe(false);
    expect(told).toHaveLength(1);
  });

  test('a request of more than 1 MiB closes it too, and nothing is read after', () => {
    const { events, open } = decode(Buffer.from(`${'sender=x\n'.repeat(120_000)}\n`));
    expect(events.at(-1)).toBe('too long: a request of more than 1048576 bytes');
    expect(open).toBe(false);
  });
});
