// The table of tune: aligned, and honest about what it cannot know.
import { expect, test } from 'vitest';
import { newPaint } from '../../../src/admin/text.ts';
import { brief, printed } from '../../../src/admin/tune/print.ts';
import { newReplay } from '../../../src/admin/tune/replays.ts';
import type { Entry } from '../../../src/store/admin/entry.ts';
import { made, triple } from '../report/made.ts';

const NOW = 1_764_000_000;

function text(entries: Iterable<Entry>, settings = {}, colour = false): string {
  const replay = newReplay({ now: NOW, delay: 60, retryWindow: 172_800, autoWhitelist: 10, ...settings });
  for (const entry of entries) replay.take(entry);
  return printed('/var/mta/greylist.mdb', replay.tuning(), newPaint(colour));
}

test('a line for each delay and key, all of the same width', () => {
  const lines = text(made(3000, NOW)).split('\n').slice(2, 22);
  expect(new Set(lines.slice(1).map((line) => line.length)).size).toBe(1);
  expect(lines.slice(2).map((line) => line.split(/ +/).slice(0, 2).join(' '))).toEqual(
    ['30s', '1m', '2m', '5m', '10m', '15m'].flatMap((delay) =>
      ['address', 'subnet', 'pool'].map((key) => `${delay} ${key}`),
    ),
  );
});

test('the setting in force is named, and coloured where there are colours', () => {
  expect(text(made(500, NOW), { autoWhitelist: 5 })).toMatch(
    /^In force: 1m, address, N = 5: half \S+, 95 % \S+$/m,
  );
  expect(text(made(500, NOW), { autoWhitelist: 7 })).not.toContain('In force:');
  expect(text(made(500, NOW), {}, true)).toContain('\x1b[32m');
  expect(text(made(500, NOW))).not.toContain('\x1b');
});

test('what the records cannot tell is said where it matters', () => {
  const plain = text(made(500, NOW));
  expect(plain).toContain('names of clients are not on record');
  expect(plain).not.toMatch(/hashes|finer key|columns beyond|is that the --delay|four times/);
  expect(text([triple({ client: '192.0.2.0/24', wait: 300 })])).toContain(
    '--client-key subnet: what a finer key',
  );
  expect(text([triple({ client: 'abcdefghijklmno', wait: 300 })])).toContain('Clients are hashes');
  expect(text([], { autoWhitelist: 2 })).toContain('columns beyond 2 lack it');
  expect(text([triple({ wait: 70 })], { delay: 300 })).toContain('1 mail passed sooner than after 5 min');
  expect(text([triple({ offsets: [1, 2, 3, 4] })])).toContain('1 triple may have had more attempts');
});

test('what is forgotten of what did not come back: nothing where the retry window has no end', () => {
  expect(text(made(500, NOW))).toMatch(/what did not come back\s+within 2 d is forgotten/);
  expect(text(made(500, NOW), { retryWindow: 0 })).not.toContain('forgotten');
});

test('shares are rounded; 100 % is all of it', () => {
  const shares = (letIn: number, of: number) => {
    const all = Array.from({ length: of }, (_, i) =>
      triple({ sender: `s${i}@example.org`, firstSeen: NOW - 86_400, offsets: i < letIn ? [100] : [] }),
    );
    return /^1m +address .* (\S+ %)$/m.exec(text(all))?.[1];
  };
  expect([0, 1, 2, 3].map((letIn) => shares(letIn, 3))).toEqual(['0 %', '33 %', '67 %', '100 %']);
  expect([shares(1, 150), shares(299, 300)]).toEqual(['<1 %', '99 %']);
});

test('short times', () => {
  expect([0, 59, 60, 302, 3600, 5400, 86_400, 187_200].map(brief)).toEqual([
    '0s',
    '59s',
    '1m',
    '5m02',
    '1h00',
    '1h30',
    '1d0h',
    '2d4h',
  ]);
});
