// Which engines the services of master.cf ask.
import { expect, test } from 'vitest';
import { askedBy, filesFrom } from '../../../src/admin/doctor/engine.ts';
import { ENTRIES, facts, NOBODY } from './healthy.ts';

test('the engines that services ask, each once', () => {
  const argv = (words: string) =>
    ENTRIES.replace(/^policy.*$/m, (line) => `${line} ${words}\n${line.replace('policy', 'other')} ${words}`);
  const words = '--store redis://store.example --store-password-file private/word --store-timeout 1s';
  expect(askedBy(facts({ entries: argv(words) }).entries, '/var/spool/postfix')).toEqual([
    {
      store: 'redis://store.example',
      directory: '/var/spool/postfix',
      passwordFile: '/var/spool/postfix/private/word',
      timeout: 1000,
      account: NOBODY,
      from: 'files',
    },
  ]);
  expect(askedBy(facts().entries, '/')).toEqual([]);
});

test('certificates, too, are where spawn(8) would find them', () => {
  expect(filesFrom('/var/spool/postfix', { ca: 'private/ca.pem', key: '/etc/key.pem' })).toEqual({
    ca: '/var/spool/postfix/private/ca.pem',
    key: '/etc/key.pem',
  });
  expect(filesFrom('/var/spool/postfix', undefined)).toBeUndefined();
});
