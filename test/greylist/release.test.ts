// Mail that somebody is waiting for: which release lets a request pass, and until when.
import { expect, test } from 'vitest';
import { releaseFor } from '../../src/greylist/release.ts';
import { emptyRequest } from '../../src/greylist/request.ts';
import type { Release } from '../../src/store/releases.ts';

const NOW = 1_700_000_000;
const REQUEST = {
  ...emptyRequest(),
  client_address: '192.0.2.17',
  client_name: 'mail.example.org',
  sender: 'Ann@example.org',
  recipient: 'bob@example.net',
};
const released = (release: Omit<Release, 'until'>, until = NOW + 60, now = NOW) =>
  releaseFor(REQUEST, [{ ...release, until }], now) !== undefined;

test('it holds up to its last second', () => {
  expect([NOW + 1, NOW, NOW - 1].map((until) => released({}, until))).toEqual([true, true, false]);
});

test('each thing that it names has to fit', () => {
  const whole = { client: '192.0.2.17', sender: 'ann@example.org', recipient: '@example.net' };
  expect(released(whole)).toBe(true);
  expect(released({ ...whole, client: '192.0.2.18' })).toBe(false);
  expect(released({ ...whole, sender: 'ann@example.com' })).toBe(false);
  expect(released({ ...whole, recipient: '@example.com' })).toBe(false);
});

test('the client is its address, a network it is in, or its verified name', () => {
  for (const client of ['192.0.2.17', '192.0.2.0/24', 'mail.example.org', 'MAIL.*', '*.example.org'])
    expect([client, released({ client })]).toEqual([client, true]);
  for (const client of ['192.0.2.16', '192.0.3.0/24', 'example.org', 'ail.example.org', ''])
    expect([client, released({ client })]).toEqual([client, false]);
});

test('the empty sender is a sender, and not any', () => {
  expect(released({ sender: '' })).toBe(false);
  const bounce = { ...REQUEST, sender: '' };
  expect(releaseFor(bounce, [{ sender: '', until: NOW }], NOW)).toBeDefined();
  expect(releaseFor(bounce, [{ sender: '?*', until: NOW }], NOW)).toBeUndefined();
});

test('of several the first that fits is the one', () => {
  const releases = [
    { sender: 'ann@example.org', until: NOW - 1 },
    { sender: 'joe@example.org', until: NOW + 9 },
    { recipient: 'bob@example.net', until: NOW + 5 },
    { until: NOW + 60 },
  ];
  expect(releaseFor(REQUEST, releases, NOW)).toBe(releases[2]);
  expect(releaseFor(REQUEST, releases, NOW + 6)).toBe(releases[3]);
  expect(releaseFor(REQUEST, [], NOW)).toBeUndefined();
});
