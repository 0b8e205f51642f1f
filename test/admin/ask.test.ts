// How much a command does without asking, where nobody can be asked. (At a terminal: release.test.ts.)
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mayTouch } from '../../src/admin/ask.ts';

const isTTY = Object.getOwnPropertyDescriptor(process.stdin, 'isTTY');
beforeEach(() => Object.defineProperty(process.stdin, 'isTTY', { value: false, configurable: true }));
afterEach(() =>
  Object.defineProperty(process.stdin, 'isTTY', isTTY ?? { value: undefined, configurable: true }),
);

test('ten records, and with --yes any number', async () => {
  expect(await mayTouch(0, 'delete it', false)).toBe(true);
  expect(await mayTouch(10, 'delete it', false)).toBe(true);
  expect(await mayTouch(1_000_000, 'delete it', true)).toBe(true);
  await expect(mayTouch(11, 'delete 11 records', false)).rejects.toThrow(
    'this would delete 11 records; nothing was changed; add --yes to do it',
  );
});
