// What the sweep leaves of triples that never came back: a count for each day.
import path from 'node:path';
import { expect, test } from 'vitest';
import { MOST_TEXT } from '../../../src/store/admin/change.ts';
import { scan } from '../../../src/store/admin/scan.ts';
import {
  addForgotten,
  FORGOTTEN,
  forgottenSince,
  readForgotten,
} from '../../../src/store/records/forgotten.ts';
import { testScratch } from '../../support/scratch.ts';
import { storeAt } from '../opened.ts';

const DAY = 86_400;

test('counts add up by the day, for forty days', () => {
  const first = addForgotten(readForgotten(undefined), new Map([[100, 2]]), 102 * DAY);
  const second = addForgotten(
    readForgotten(first),
    new Map([
      [100, 1],
      [101, 4],
    ]),
    103 * DAY,
  );
  expect(readForgotten(second)).toEqual({ 100: 3, 101: 4 });
  expect(readForgotten(addForgotten(readForgotten(second), new Map(), 140 * DAY))).toEqual({ 101: 4 });
  expect(readForgotten('{"1')).toEqual({});
});

test('a clock that jumps to and fro leaves no more than has room in a record', () => {
  let text = '{}';
  for (const ahead of [9000, 6000, 3000, 0]) {
    for (let day = 1; day <= 40; day++)
      text = addForgotten(
        readForgotten(text),
        new Map([[20_000 + ahead + day, 123_456]]),
        (20_000 + ahead + day) * DAY,
      );
  }
  expect(Object.keys(readForgotten(text))).toHaveLength(40);
  expect(text.length).toBeLessThan(MOST_TEXT);
});

test('only days that lie wholly in the time that is asked for are told', () => {
  const days = { 100: 3, 101: 4, 103: 1 };
  expect(forgottenSince(days, 100 * DAY)).toEqual({ from: 100 * DAY, triples: 8 });
  expect(forgottenSince(days, 100 * DAY + 1)).toEqual({ from: 101 * DAY, triples: 5 });
  expect(forgottenSince(days, 104 * DAY)).toBeUndefined();
});

test('the sweep counts what waited in vain, and not what passed', () => {
  const scratch = testScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const store = storeAt(place, { retryWindow: DAY, maxAge: DAY, maxWaiting: 0 });
  const triple = (n: number) => ({
    client: '192.0.2.1',
    sender: `s${n}@example.org`,
    recipient: 'r@example.net',
  });
  const start = 1000 * DAY;
  for (let n = 0; n < 5; n++) store.remember(triple(n), start + n);
  for (let n = 5; n < 8; n++) store.remember(triple(n), start + DAY / 2);
  store.pass(triple(0), start + 600, true);
  for (const later of [3, 3.5, 4, 4.5, 5]) store.tidy(start + later * DAY);
  store.remember(triple(9), start + 5 * DAY);
  for (const later of [6.5, 7, 7.5]) store.tidy(start + later * DAY);
  const found: Record<string, unknown> = {};
  const left = [
    ...scan(place, undefined, (name, text) => {
      found[name] = text;
    })!.entries,
  ];
  expect(left).toEqual([]);
  expect(readForgotten(found[FORGOTTEN] as string)).toEqual({ 1000: 7, 1005: 1 });
  store.close();
});
