// Command lines that are not in their plain form: what they mean, and what is refused in which words.
import { describe, expect, test } from 'vitest';
import { readWords } from '../../src/cli/words.ts';

const refused = (...argv: string[]) => expect(() => readWords(argv));

describe('an option that there is none of is refused as it was written', () => {
  test.each([
    '--nonsense',
    '--nonsense=1',
    '--no-header', // yargs-parser would make it a --header that is off
    '--dryRun',
    '--constructor',
    '-x',
  ])('%s', (word) => {
    refused(word).toThrow(new RegExp(`^${word.split('=')[0]}: no such option`));
    refused('--delay', '5m', word, '-v').toThrow(new RegExp(`^${word.split('=')[0]}: no such option`));
  });

  test('with a dot in it', () => {
    refused('--db.file=/a').toThrow('--db.file: no such option');
  });
});

test.each(['0x10', '010', '1e3', 'status'])(
  'a word that belongs to no option is named as it stands: %s',
  (word) => {
    refused('--delay', '5m', word).toThrow(`${word}: no option; `);
  },
);

test.each([['--db', ''], ['--db='], ['--db'], ['--db', '--text', '']])(
  '%s %s needs a value, which only a text may lack',
  (...argv) => {
    refused(...argv).toThrow('--db: needs a value');
  },
);

test('values stay as they are written, and a repeated option has them all', () => {
  const argv = ['--delay', '007', '--db=/a=b', '--db', './-c', '-vv', '--text', '"x', '--header=false'];
  expect(readWords(argv)).toEqual({
    delay: ['007'],
    db: ['/a=b', './-c'],
    verbose: ['true'],
    text: ['"x'],
  });
});
