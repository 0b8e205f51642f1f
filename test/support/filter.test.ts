// The tests lean on filter.ts: it must start programs as spawn(8) does and must not overlook a byte.
import { expect, test } from 'vitest';
import { startFilter, startPiped } from './filter.ts';
import { attributes, policyRequest } from './requests.ts';

// These scripts read nothing. Nothing may be sent to them: a write, of no bytes too, to one that has ended is an error
// upon which Node drops what it has not read yet.
const shell = (script: string) => ['/bin/sh', '-c', script];
const descriptors =
  'echo "action=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 | tr "\\n" " ")"; echo';

test('one socket is standard input, output and error', async () => {
  const session = await startFilter(shell(descriptors));
  const [reply] = await session.replies(1);
  const [, ...links] = reply!.split(/[= ]/).filter((word) => word !== '');
  expect(links).toHaveLength(3);
  expect(links[0]).toMatch(/^socket:/);
  expect(new Set(links).size).toBe(1);
  expect(await session.ended).toMatchObject({ code: 0, signal: null, rest: '' });
});

test('pipes are three different ones, standard error apart', async () => {
  const session = startPiped(shell(`${descriptors}; echo oops >&2`));
  const [reply] = await session.replies(1);
  const links = reply!.split(/[= ]/).slice(1, 4);
  expect(new Set(links).size).toBe(3);
  expect(await session.ended).toMatchObject({ code: 0, rest: '' });
  expect(session.errors()).toBe('oops\n');
});

test('the environment is PATH alone', async () => {
  const session = await startFilter(['/usr/bin/env']);
  expect((await session.finish()).rest).toMatch(/^PATH=[^\n]*\n$/);
});

test('stray bytes are noticed, before, between and after replies', async () => {
  const before = await startFilter(shell('printf "warning\\naction=dunno\\n\\n"'));
  await expect(before.replies(1)).rejects.toThrow('not a reply');
  const onError = await startFilter(shell('printf "action=dunno\\n\\n"; echo warning >&2'));
  expect(await onError.replies(1)).toEqual(['action=dunno']);
  expect((await onError.ended).rest).toBe('warning\n');
});

test('half a request, the end, and the way out', async () => {
  const session = await startFilter(shell('cat >/dev/null; exit 3'));
  session.send('request=');
  await expect(Promise.all([session.replies(1), session.finish()])).rejects.toThrow('0 replies of 1');
  expect(await session.ended).toMatchObject({ code: 3, signal: null, rest: '' });
});

test('a killed filter, and one that is left alone by its client', async () => {
  const killed = await startFilter(shell('cat'));
  expect(await killed.kill('SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' });
  const left = await startFilter(shell('cat; exit 4'));
  expect((await left.hangUp()).code).toBe(4);
});

test('a request is as long as those of Postfix', () => {
  expect(attributes().length).toBeGreaterThanOrEqual(28);
  expect(policyRequest().length).toBeGreaterThan(700);
  expect(policyRequest({ sender: undefined, size: '1' })).not.toContain('\nsender=');
});
