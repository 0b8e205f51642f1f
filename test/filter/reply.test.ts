// Replies: what they say, and that no request can say anything with them.
import { expect, test } from 'vitest';
import { newDeferral, newHeader } from '../../src/filter/reply.ts';

test('a deferral tells the time that is left, the delay and the domain where the text asks for it', () => {
  const deferral = newDeferral('450 4.7.1', 'Come back in %s of %d seconds, %r, 100 %%', 60);
  expect(deferral(17, 'Bob@Example.NET')).toBe('450 4.7.1 Come back in 17 of 60 seconds, example.net, 100 %');
  expect(newDeferral('defer', '', 60)(1, 'r@x')).toBe('defer');
  expect(newDeferral('defer_if_permit', 'Service is unavailable', 60)(1, 'r@x')).toBe(
    'defer_if_permit Service is unavailable',
  );
});

test('a bare code never stands alone: access(5) takes a result of digits for OK, and mail would be let in', () => {
  expect(newDeferral('450', '', 60)(1, 'r@x')).toBe('450 4.7.1');
  expect(newDeferral('450', ' ', 60)(1, 'r@x')).toBe('450 4.7.1');
  expect(newDeferral('450', '%r', 60)(1, '')).toBe('450 4.7.1');
  expect(newDeferral('450', '%r', 60)(1, 'r@x.example')).toBe('450 x.example');
  expect(newDeferral('451 4.7.1', '', 60)(1, 'r@x')).toBe('451 4.7.1');
});

test('no recipient puts a line, a control byte or anything but a domain into a reply', () => {
  const deferral = newDeferral('defer', 'for %r', 60);
  for (const recipient of ['r@x\naction=ok', 'r@x\0y', 'r@ä.example', 'r@%s', 'r', '@', 'r@a b;c=d']) {
    expect(deferral(1, recipient)).toMatch(/^defer for [a-z0-9.-]*$/);
  }
});

test('the header comes once a message', () => {
  const header = newHeader('mx.example.net');
  expect(header('a.1', 301, 1_700_000_000)).toBe(
    'prepend X-Greylist: delayed 301 seconds by greylatch at mx.example.net; Tue, 14 Nov 2023 22:13:20 +0000',
  );
  expect(header('a.1', 301, 1_700_000_000)).toBeUndefined();
  expect(header('a.2', 61, 1_700_000_000)).toMatch(/^prepend X-Greylist: delayed 61 seconds/);
  // A request by hand names no message: each gets its own.
  const byHand = Array.from({ length: 2 }, () => header('', 61, 1_700_000_001));
  expect(byHand).toEqual(
    Array(2).fill(
      'prepend X-Greylist: delayed 61 seconds by greylatch at mx.example.net; Tue, 14 Nov 2023 22:13:21 +0000',
    ),
  );
});
