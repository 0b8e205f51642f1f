// Which engines the services of master.cf ask.
import { expect, test } from 'vitest';
import { askedBy } from '../../../src/admin/doctor/engine.ts';
import { ENTRIES, facts, NOBODY } from './healthy.ts';

test('the engines that services ask, each once', () => {
  const argv = (words: string) =>
    ENTRIES.replace(/^policy.*$/m, (line) => `${line} ${words}\n${line.replace('policy', 'other')} ${words}`);
  const words = '--store redis://store.example --store-password-file private/word --store-timeout 1s';
  expect(askedBy(facts({ entries: argv(words) }).entries, '/var/spool/postfix')).toEqual([
    {
      store: 'redis://store.example',
      passwordFile: '/var/spool/postfix/private/word',
      timeout: 1000,
      account: NOBODY,
      from: 'files',
    },
  ]);
  expect(askedBy(facts().entries, '/')).toEqual([]);
});
