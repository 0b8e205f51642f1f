// Records: what is written is read again, and nothing else is believed.
import { expect, test } from 'vitest';
import {
  addDeferral,
  CLIENT_SIZE,
  copyTriple,
  isFull,
  isRecord,
  mainNumber,
  ONCE_SIZE,
  readClient,
  readTriple,
  TRIPLE_SIZE,
  writeClient,
  writeTriple,
} from '../../../src/store/records/record.ts';
import { makeRandom } from '../../support/random.ts';

const KEY = 12;
const AT = 64;

function bytesWithKey(random: ReturnType<typeof makeRandom>): { bytes: Buffer; length: number } {
  const bytes = Buffer.alloc(128);
  const length = 5 + random.below(40);
  for (let i = 0; i < length; i++) bytes[KEY + i] = random.below(256);
  return { bytes, length };
}

test('triples and clients come back as they were, times as coarse as documented', () => {
  const random = makeRandom(3);
  for (let i = 0; i < 2000; i++) {
    const { bytes, length } = bytesWithKey(random);
    const firstSeen = random.below(0xffffffff);
    const lastPassed = firstSeen + random.below(10_000_000);
    const wait = random.below(2_000_000);
    const offsets = Array.from({ length: random.below(5) }, () => random.below(172_800));
    const deferrals = random.below(256);
    const whole = { firstSeen, passed: true, lastPassed, wait, deferrals, offsets };
    expect(writeTriple(bytes, KEY, length, AT, whole)).toBe(TRIPLE_SIZE);
    const triple = readTriple(bytes, AT);
    expect(isRecord(bytes, KEY, length, AT, TRIPLE_SIZE)).toBe(true);
    expect(triple).toMatchObject({ firstSeen, passed: true, deferrals });
    expect(Math.abs(triple.wait - wait)).toBeLessThan(wait < 32_768 ? 1 : 64);
    expect(triple.offsets).toHaveLength(offsets.length);
    for (const [i, offset] of offsets.entries())
      expect(Math.abs(triple.offsets[i]! - offset)).toBeLessThanOrEqual(1 + offset * 0.025);
    expect(lastPassed - triple.lastPassed).toBeGreaterThanOrEqual(0);
    expect(lastPassed - triple.lastPassed).toBeLessThan(3600);
    writeClient(bytes, KEY, length, AT, { comeBacks: i, lastSeen: firstSeen });
    expect(isRecord(bytes, KEY, length, AT, CLIENT_SIZE)).toBe(true);
    expect(mainNumber(bytes, AT)).toBe(i);
    expect(firstSeen - readClient(bytes, AT).lastSeen).toBeLessThan(86_400);
  }
});

test('a triple that is in use for longer than its hours can count is still one that passed a moment ago', () => {
  const { bytes, length } = bytesWithKey(makeRandom(4));
  const lastPassed = 2_000_000_000;
  const record = { firstSeen: 1_500_000_000, passed: true, lastPassed, wait: 61, deferrals: 1, offsets: [] };
  writeTriple(bytes, KEY, length, AT, record);
  const read = readTriple(bytes, AT);
  expect(lastPassed - read.lastPassed).toBeLessThan(3600);
  expect(read).toMatchObject({ passed: true, wait: 61 });
  expect(lastPassed - read.firstSeen).toBeGreaterThan(7 * 365 * 86_400);
});

test('a triple that was seen once has half the bytes, and grows when it is deferred again', () => {
  const random = makeRandom(5);
  for (let i = 0; i < 500; i++) {
    const { bytes, length } = bytesWithKey(random);
    bytes.fill(0xff, AT);
    const firstSeen = random.below(0xffffff00);
    const once = { firstSeen, passed: false, lastPassed: 0, wait: 0, deferrals: 1, offsets: [] };
    expect(writeTriple(bytes, KEY, length, AT, once)).toBe(ONCE_SIZE);
    expect(isRecord(bytes, KEY, length, AT, ONCE_SIZE)).toBe(true);
    expect(isRecord(bytes, KEY, length, AT, TRIPLE_SIZE)).toBe(false);
    expect(readTriple(bytes, AT)).toEqual(once);
    expect(isFull(bytes, AT)).toBe(false); // whatever lies behind it
    const from = 100;
    copyTriple(bytes, AT, bytes, from);
    const waits = [0, 5, 100, 3000];
    for (const [j, wait] of waits.entries()) {
      expect(addDeferral(bytes, KEY, length, from, firstSeen + wait)).toBe(true);
      expect(isRecord(bytes, KEY, length, from, TRIPLE_SIZE)).toBe(true);
      expect(isFull(bytes, from)).toBe(j === 3);
      expect(readTriple(bytes, from)).toMatchObject({ firstSeen, passed: false, deferrals: j + 2 });
    }
    expect(
      readTriple(bytes, from).offsets.map((offset, j) => Math.abs(offset - waits[j]!) < 100),
    ).not.toContain(false);
    expect(addDeferral(bytes, KEY, length, from, firstSeen + 4000)).toBe(false);
  }
});

test('a record with any byte changed, or under another key, is none', () => {
  const random = makeRandom(4);
  let believed = 0;
  let tried = 0;
  for (let i = 0; i < 500; i++) {
    const { bytes, length } = bytesWithKey(random);
    const size = writeTriple(bytes, KEY, length, AT, {
      firstSeen: random.below(0xffffffff),
      passed: false,
      lastPassed: 0,
      wait: 0,
      deferrals: 1,
      offsets: i % 2 === 0 ? [] : [20],
    });
    for (const at of [...Array(length).keys()]
      .map((k) => KEY + k)
      .concat([...Array(size).keys()].map((k) => AT + k))) {
      const before = bytes[at]!;
      bytes[at] = before ^ (1 + random.below(255));
      tried++;
      if (isRecord(bytes, KEY, length, AT, size)) believed++;
      bytes[at] = before;
    }
  }
  expect(believed).toBeLessThan(tried / 2000); // sixteen bits of check: one in 65,536 slips through
});
