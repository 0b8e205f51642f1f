// What is wrong with the engine, in words for the log.
import { expect, test } from 'vitest';
import { explain, isNoConnection } from '../../../src/store/fleet/trouble.ts';

test.each([
  "Stream isn't writeable and enableOfflineQueue options is false",
  'Connection is closed.',
  'Too many Cluster redirections. Last error: Error: Connection is closed.',
  'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
])('that a question found no connection says nothing to an administrator: %s', (said) => {
  expect(isNoConnection(new Error(said))).toBe(true);
});

const NO_SENTINEL = 'All sentinels are unreachable. Retrying from scratch after 3204.28ms. Last error:';

test('what an engine says comes with what to do', () => {
  expect(explain(new Error("READONLY You can't write against a read only replica."))).toContain(
    'name its master',
  );
  expect(isNoConnection(new Error('connect ECONNREFUSED 127.0.0.1:6379'))).toBe(false);
  expect(isNoConnection(new Error(`${NO_SENTINEL} Connection is closed.`))).toBe(false);
});

test.each([
  // Without +time, and with rename-command TIME "", in Redis 7.0.
  ["ERR The user executing the script can't run this command or subcommand", 'ACL SETUSER'],
  ['ERR Unknown Redis command called from script script: 3c41bbfd6a', 'forbids scripts or a command'],
  ['certificate has expired', 'renew it'],
  ['0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:', 'our certificate'],
  ['read ECONNRESET', 'ended or restarted'], // it was killed
  ['read ECONNRESET', 'rediss://'],
  ['write EPIPE', 'protected-mode'],
  ['DENIED Redis is running in protected mode because protected mode is enabled', 'protected-mode'],
  ["NOPERM this user has no permissions to run the 'cluster|slots' command", 'USER +cluster'],
  // --store names another kind of engine than there is.
  ['MOVED 15624 127.0.0.1:6379', 'write redis+cluster://'],
  ['ERR This instance has cluster support disabled', 'write redis:// for one engine'],
  [`${NO_SENTINEL} ERR unknown command 'sentinel', with args beginning with: 'x' `, 'it is no Sentinel'],
  [`${NO_SENTINEL} ERR No such master with that name`, 'know no engine of that name'],
  [`${NO_SENTINEL} Connection is closed.`, 'no Sentinel answers'],
  ['None of startup nodes is available', 'no node answers'],
])('%s', (said, advice) => {
  expect(explain(new Error(said))).toContain(advice);
});

test('what only programs understand is left out', () => {
  expect(explain(new Error(`${NO_SENTINEL} x`))).toBe(
    'no Sentinel answers; look at --store, the network, the firewall (All sentinels are unreachable. Last error: x)',
  );
  const said = "ERR unknown command 'eval', with args beginning with: '\nlocal DAY = 86400\nlocal now = ";
  expect(explain(new Error(said))).toMatch(/is a Sentinel.* \(ERR unknown command 'eval'\)$/);
});
