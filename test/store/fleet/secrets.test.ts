// The password file and the certificates: read as they stand, and only where nobody else may read the password.
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { StoreError } from '../../../src/store/damage.ts';
import { readSecrets } from '../../../src/store/fleet/secrets.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of each');

const place = (name: string) => path.join(scratch.path, name);
function file(name: string, content: string, mode = 0o600): string {
  writeFileSync(place(name), content);
  chmodSync(place(name), mode);
  return place(name);
}
const passwords = (content: string) => {
  const { password, sentinelPassword } = readSecrets(file('password', content), undefined);
  return [password, sentinelPassword];
};

test('without files there is neither password nor TLS', () => {
  expect(readSecrets(undefined, undefined)).toEqual({
    password: undefined,
    sentinelPassword: undefined,
    tls: undefined,
  });
});

test('the first line is the engine’s password, the second one the Sentinels’', () => {
  expect(passwords('word')).toEqual(['word', undefined]);
  expect(passwords('word\n')).toEqual(['word', undefined]);
  expect(passwords('word\r\nother\r\n')).toEqual(['word', 'other']);
  expect(passwords(' p:w@# d \nother\nmore')).toEqual([' p:w@# d ', 'other']);
  expect(passwords('wörd\n')).toEqual(['wörd', undefined]);
});

test.each(['', '\n', '\nword\n', '\r\nword'])(
  'a first line with nothing in it is no password: %j',
  (content) => {
    expect(() => passwords(content)).toThrow(StoreError);
    expect(() => passwords(content)).toThrow('has no password in its first line');
  },
);

test.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])(
  'a password file of mode %o is refused',
  (mode) => {
    const others = file('password', 'word\n', mode);
    expect(() => readSecrets(others, undefined)).toThrow(StoreError);
    expect(() => readSecrets(others, undefined)).toThrow(`chmod 600 ${others}`);
    expect(() => readSecrets(others, undefined)).not.toThrow(/\bword\b/); // never into a log
  },
);

test.each([0o600, 0o400, 0o700])('one of mode %o is its owner’s alone', (mode) => {
  expect(readSecrets(file('password', 'word\n', mode), undefined).password).toBe('word');
});

test('certificates may be read by everybody, and stand under the names of node:tls', () => {
  const ca = file('ca.pem', 'CA\n', 0o644);
  const key = file('key.pem', 'KEY\n');
  expect(readSecrets(undefined, { ca, key }).tls).toEqual({ ca: 'CA\n', key: 'KEY\n' });
  expect(readSecrets(undefined, {}).tls).toEqual({}); // the authorities that Node knows
});

test('a file that cannot be read is named, whichever it is', () => {
  const none = (file: string) => `cannot read ${place(file)}: it does not exist`;
  expect(() => readSecrets(place('none'), undefined)).toThrow(none('none'));
  expect(() => readSecrets(undefined, { ca: place('none.pem') })).toThrow(none('none.pem'));
  expect(() => readSecrets(scratch.path, undefined)).toThrow(StoreError);
});
