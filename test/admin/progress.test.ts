// The bar of long work: drawn on a terminal only, not at once, and taken off the screen however the work ends.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withBar } from '../../src/admin/progress.ts';

let written = '';
const isTTY = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');

beforeEach(() => {
  vi.stubEnv('TERM', 'xterm');
  written = '';
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += text;
    return true;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  Object.defineProperty(process.stderr, 'isTTY', isTTY ?? { value: undefined, configurable: true });
});

const onTerminal = (value: boolean) =>
  Object.defineProperty(process.stderr, 'isTTY', { value, configurable: true });

/** Half of the work is done after two seconds. */
async function half(show: (part: number) => void, end: () => void) {
  show(0.1);
  vi.advanceTimersByTime(2000);
  show(0.5);
  await Promise.resolve();
  expect(written).not.toContain('\x1b[K');
  end();
}

const BAR = `\rreading [${'#'.repeat(15)}${'.'.repeat(15)}] 50 %`;

test('it is there while the work goes on, and gone when it is done or has failed', async () => {
  onTerminal(true);
  await withBar('reading', (show) => half(show, () => {}));
  expect(written).toBe(`${BAR}\r\x1b[K`);
  written = '';
  const fails = () => {
    throw new Error('no');
  };
  await expect(withBar('reading', (show) => half(show, fails))).rejects.toThrow('no');
  expect(written).toBe(`${BAR}\r\x1b[K`);
});

test('nothing is drawn on a terminal that could not take it away', async () => {
  onTerminal(true);
  vi.stubEnv('TERM', 'dumb');
  await withBar('reading', (show) => half(show, () => {}));
  expect(written).toBe('');
});

test('nothing is drawn where nobody looks', async () => {
  onTerminal(false);
  expect(await withBar('reading', (show) => half(show, () => {}).then(() => 7))).toBe(7);
  expect(written).toBe('');
});
