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

test.each([
  // Without +time, and with rename-command TIME "", in Redis 7.0.
  ["ERR The user executing the script can't run this command or subcommand", 'ACL SETUSER'],
  ['ERR Unknown Redis command called from script script: 3c41bbfd6a', 'forbids scripts or a command'],
  ['certificate has expired', 'renew it'],
])('%s', (said, advice) => {
  expect(explain(new Error(said))).toContain(advice);
});
