// Changes in batches: in order, none lost, and no record twice in one.
import { expect, test } from 'vitest';
import { type AnyName, batches, type JointChange } from '../../../src/store/admin/change.ts';

const change = (...clients: string[]): JointChange => ({
  names: clients.map((client) => ({ client })),
  change: () => [],
});
const idOf = (name: AnyName) => ('house' in name ? name.house : name.client);
const batched = (changes: JointChange[], most: number) =>
  [...batches(changes, most, idOf)].map((batch) => batch.map(({ names }) => names.map(idOf).join('+')));

test('as many as fit, and the rest', () => {
  const all = ['a', 'b', 'c', 'd', 'e'].map((client) => change(client));
  expect(batched(all, 2)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  expect(batched(all, 5)).toEqual([['a', 'b', 'c', 'd', 'e']]);
  expect(batched([], 5)).toEqual([]);
});

test('the second change of a record waits for the first', () => {
  const all = [change('a'), change('b', 'c'), change('d', 'c'), change('a'), change('d')];
  expect(batched(all, 9)).toEqual([['a', 'b+c'], ['d+c', 'a'], ['d']]);
});
