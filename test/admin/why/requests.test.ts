// Requests in a file, as they may have been pasted.
import { expect, test } from 'vitest';
import { requestsIn } from '../../../src/admin/why/requests.ts';

const read = (text: string) => requestsIn(Buffer.from(text, 'latin1'), 'FILE');

test.each([
  ['sender=a@x\n\nsender=b@x\n\n', ['a@x', 'b@x']],
  ['sender=a@x\n\nsender=b@x\n', ['a@x', 'b@x']],
  ['sender=a@x', ['a@x']],
  ['\n\n\nsender=a@x\n\n\n\nsender=b@x', ['a@x', 'b@x']],
  ['some words\nsender=a@x\n', ['a@x']],
])('%j', (text, senders) => {
  expect(read(text).map(({ sender }) => sender)).toEqual(senders);
});

test.each([
  ['', 'it has no attributes'],
  ['\n\n', 'it has no attributes'],
  ['sender=\n\n', 'it has no attributes'],
  ['Dear \x1b\nall\n', 'a line is no attribute: Dear \\x1b'],
  [`sender=${'x'.repeat(100_000)}`, 'it has '],
])('%j holds none, and that is said', (text, reason) => {
  expect(() => read(text)).toThrow(`FILE holds no policy request (${reason}`);
});
