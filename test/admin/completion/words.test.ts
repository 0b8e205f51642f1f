// What can come next, on planted options and commands. What the shells make of it: ../completion.test.ts.
import { expect, test } from 'vitest';
import { flagsOf, valuesOf, wordsOf } from '../../../src/admin/completion/words.ts';
import { type Command, defineCommand } from '../../../src/cli/command.ts';

test('an option is offered by its name, and by its letter where it has one', () => {
  const loud = { kind: 'flag', alias: 'l', describe: '' } as const;
  const all = { kind: 'flag', describe: '' } as const;
  expect(flagsOf({ loud, all })).toEqual([
    ['--loud', loud],
    ['-l', loud],
    ['--all', all],
  ]);
});

test.each<[string, Parameters<typeof valuesOf>[0], ReturnType<typeof valuesOf>]>([
  ['a flag: none', { kind: 'flag', describe: '' }, undefined],
  ['a path: files', { kind: 'path', describe: '' }, 'files'],
  ['choices: these', { kind: 'choice', choices: ['so', 'thus'], describe: '' }, ['so', 'thus']],
  ['an action: those that are not codes', { kind: 'action', describe: '' }, ['defer_if_permit', 'defer']],
  ['anything else: nothing is known of it', { kind: 'text', describe: '' }, []],
])('values of %s', (_, option, values) => {
  expect(valuesOf(option)).toEqual(values);
});

test.each<[string, Command['positionals'], ReturnType<typeof wordsOf>]>([
  ['none', {}, []],
  ['files', { file: { describe: '' } }, 'files'],
  [
    'some words, then files',
    { word: { describe: '', choices: ['a', 'b'] }, file: { describe: '' } },
    ['a', 'b'],
  ],
])('words of a command that takes %s', (_, positionals, words) => {
  const command = defineCommand({
    name: 'try',
    describe: '',
    text: [],
    options: {},
    positionals,
    examples: [],
    statuses: {},
    run: () => 0,
  });
  expect(wordsOf(command)).toEqual(words);
});
