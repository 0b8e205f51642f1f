import { expect, test } from 'vitest';
import { newOwn } from '../../../src/store/queue/own.ts';

const entry = (text: string) => Buffer.from(text.padEnd(300, '.'));

test('the oldest that waits is found, and those before it go', () => {
  const own = newOwn();
  expect(own.isEmpty()).toBe(true);
  for (const [i, text] of ['a', 'bb', 'ccc'].entries()) own.add(entry(text), text.length, 10 + i);
  expect(own.bytes().toString()).toBe('abbccc');
  expect(own.oldest((bytes) => bytes.toString() >= 'bb')).toBe(11);
  expect(own.bytes().toString()).toBe('bbccc');
  own.add(entry('dddd'), 4, 13);
  expect(own.oldest((bytes) => bytes.length > 2)).toBe(12);
  expect(own.bytes().toString()).toBe('cccdddd');
  expect(own.isEmpty()).toBe(false);
  expect(own.oldest(() => false)).toBeUndefined();
  expect(own.isEmpty()).toBe(true);
  expect(own.bytes()).toHaveLength(0);
});

test('what comes after all were gone, or given up, has its own time, and little memory', () => {
  const own = newOwn();
  for (const give of [() => own.clear(), () => void own.oldest(() => false)]) {
    for (let i = 0; i < 3000; i++) own.add(entry(`${i} `), 12, i);
    expect(own.oldest((bytes) => Number.parseInt(bytes.toString(), 10) >= 10)).toBe(10);
    give();
    for (const [i, text] of ['y', 'zz'].entries()) own.add(entry(text), text.length, 7000 + i);
    expect(own.bytes().toString()).toBe('yzz');
    expect(own.bytes().buffer.byteLength).toBeLessThanOrEqual(4 * 1024);
    expect(own.oldest(() => true)).toBe(7000);
    expect(own.oldest((bytes) => bytes.length > 1)).toBe(7001);
    expect(own.bytes().toString()).toBe('zz');
    own.clear();
  }
});

test('thousands, and then none', () => {
  const own = newOwn();
  for (let i = 0; i < 3000; i++) own.add(entry(`${i} `), 12, i);
  expect(own.bytes()).toHaveLength(3000 * 12);
  expect(own.bytes().toString('latin1', 12 * 2999, 12 * 2999 + 5)).toBe('2999 ');
  expect(own.oldest((bytes) => Number.parseInt(bytes.toString(), 10) >= 2000)).toBe(2000);
  own.clear();
  expect(own.isEmpty()).toBe(true);
  own.add(entry('x'), 1, 1);
  expect(own.bytes().toString()).toBe('x');
});

test('of a thousand, few are asked for', () => {
  for (const waiting of [0, 1, 500, 999, 1000]) {
    const own = newOwn();
    let asked = 0;
    for (let i = 0; i < 1000; i++) own.add(entry(`${i} `), 12, i);
    const oldest = own.oldest((bytes) => {
      asked++;
      return Number.parseInt(bytes.toString(), 10) >= waiting;
    });
    expect([waiting, oldest]).toEqual([waiting, waiting < 1000 ? waiting : undefined]);
    expect(asked).toBeLessThanOrEqual(10);
  }
});

test('where some always wait, no more than those are kept', () => {
  const own = newOwn();
  const { buffer } = own.bytes();
  for (let i = 0; i < 20_000; i++) {
    own.add(entry(`${i} `), 60, i);
    expect(own.oldest((bytes) => Number.parseInt(bytes.toString(), 10) > i - 20)).toBe(Math.max(0, i - 19));
  }
  expect(own.bytes()).toHaveLength(20 * 60);
  expect(own.bytes().toString('latin1', 19 * 60, 19 * 60 + 6)).toBe('19999 ');
  expect(own.bytes().buffer).toBe(buffer);
  own.clear();
  expect(own.bytes().buffer).toBe(buffer);
  expect(buffer.byteLength).toBeLessThanOrEqual(4 * 1024);
});
