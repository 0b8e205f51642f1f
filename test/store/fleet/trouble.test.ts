// What is wrong with the engine, in words for the log.
import { expect, test } from 'vitest';
import { explain, isNoConnection } from '../../../src/store/fleet/trouble.ts';

test.each([
  "Stream isn't writeable and enableOfflineQueue options is false",
  'Connection is closed.',
  'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
])('that a question found no connection says nothing to an administrator: %s', (said) => {
  expect(isNoConnection(new Error(said))).toBe(true);
});

test('what an engine says comes with what to do', () => {
  expect(explain(new Error("READONLY You can't write against a read only replica."))).toContain(
    'name its master',
  );
  expect(isNoConnection(new Error('connect ECONNREFUSED 127.0.0.1:6379'))).toBe(false);
});
