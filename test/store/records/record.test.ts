// Records: what is written is read again, and nothing else is believed.
import { expect, test } from 'vitest';
import {
  addDeferral,
  CLIENT_SIZE,
  copyTriple,
  HOUSE_HEAD,
  isFull,
  isRecord,
  MAX_RECORD,
  mainNumber,
  ONCE_SIZE,
  readClient,
  readHouse,
  readTriple,
  TRIPLE_SIZE,
  writeClient,
  writeHouse,
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

test('the bytes are those that databases hold already', () => {
  const bytes = Buffer.from('key'.padEnd(64, '\0'));
  const at = 8;
  const seen = { firstSeen: 1_700_000_000, passed: false, lastPassed: 0, wait: 0, deferrals: 1, offsets: [] };
  const triple = (changes: object) => {
    const size = writeTriple(bytes, 0, 3, at, { ...seen, ...changes });
    return bytes.toString('hex', at, at + size);
  };
  expect(triple({})).toBe('12018d9d00f15365');
  expect(triple({ deferrals: 3, offsets: [5, 60] })).toBe('1003c15500f153650000000026570000');
  expect(triple({ passed: true, lastPassed: 1_700_090_000, wait: 40_000, deferrals: 2, offsets: [60] })).toBe(
    '1102727500f153651900718057000000',
  );
  writeClient(bytes, 0, 3, at, { comeBacks: 70_000, lastSeen: 1_700_000_000 });
  expect(bytes.toString('hex', at, at + CLIENT_SIZE)).toBe('20003dce70110100db4c');
  bytes.fill(0xee, at);
  bytes.write('text', at + HOUSE_HEAD);
  writeHouse(bytes, 0, 3, at, 8);
  expect(readHouse(bytes, at, 8)).toBe('text');
  expect(bytes.toString('hex', at, at + 8)).toBe('3000a87a74657874');
});

test('a triple that waits comes back with its deferrals, too', () => {
  const { bytes, length } = bytesWithKey(makeRandom(6));
  const waits = { firstSeen: 1000, passed: false, lastPassed: 0, wait: 0, deferrals: 255, offsets: [0, 20] };
  expect(writeTriple(bytes, KEY, length, AT, waits)).toBe(TRIPLE_SIZE);
  expect(readTriple(bytes, AT)).toEqual(waits);
  expect(addDeferral(bytes, KEY, length, AT, 1040)).toBe(true);
  expect(readTriple(bytes, AT)).toMatchObject({ deferrals: 255, offsets: { length: 3 } });
});

test('a record of the house has any length that there is room for, all others have their own', () => {
  const bytes = Buffer.alloc(2000);
  const isHouse = (size: number) => {
    writeHouse(bytes, 0, 5, 8, size);
    return isRecord(bytes, 0, 5, 8, size);
  };
  expect([4, 5, 100, MAX_RECORD].map(isHouse)).toEqual([true, true, true, true]);
  expect([3, MAX_RECORD + 1].map(isHouse)).toEqual([false, false]);
  for (let kind = 0; kind < 16; kind++) {
    // With the check that belongs to it.
    const is = (size: number) => {
      for (let check = 0; check < 0x10000; check++) {
        bytes.fill(0, 8, 40);
        bytes[8] = kind << 4;
        bytes.writeUInt16LE(check, 10);
        if (isRecord(bytes, 0, 5, 8, size)) return true;
      }
      return false;
    };
    expect([kind, is(CLIENT_SIZE)]).toEqual([kind, kind === 2 || kind === 3]);
    expect([kind, is(TRIPLE_SIZE)]).toEqual([kind, kind === 1 || kind === 3]);
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

test('a triple that passed without having waited, as one that was released, is no triple seen once', () => {
  const { bytes, length } = bytesWithKey(makeRandom(7));
  const released = { firstSeen: 7200, passed: true, lastPassed: 7200, wait: 0, deferrals: 0, offsets: [] };
  bytes.fill(0xee, AT);
  expect(writeTriple(bytes, KEY, length, AT, released)).toBe(TRIPLE_SIZE);
  expect(isRecord(bytes, KEY, length, AT, TRIPLE_SIZE)).toBe(true);
  expect(readTriple(bytes, AT)).toEqual(released);
  const from = AT + TRIPLE_SIZE;
  expect(bytes[from]).toBe(0xee);
  copyTriple(bytes, AT, bytes, from);
  expect(readTriple(bytes, from)).toEqual(released);
  expect(bytes[from + TRIPLE_SIZE]).toBe(0xee);
});

test('a deferral is noted of a triple that passed since only where it came first', () => {
  const { bytes, length } = bytesWithKey(makeRandom(8));
  const wait = 500;
  const passed = { firstSeen: 3600, passed: true, lastPassed: 3600, wait, deferrals: 1, offsets: [] };
  writeTriple(bytes, KEY, length, AT, passed);
  const noted = (now: number) => addDeferral(bytes, KEY, length, AT, now);
  expect([noted(4101), noted(1_000_000)]).toEqual([false, false]);
  expect(readTriple(bytes, AT)).toEqual(passed);
  expect([noted(4000), noted(4100)]).toEqual([true, true]);
  expect(readTriple(bytes, AT)).toMatchObject({ passed: true, wait, deferrals: 3, offsets: { length: 2 } });
  expect(isRecord(bytes, KEY, length, AT, TRIPLE_SIZE)).toBe(true);
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
