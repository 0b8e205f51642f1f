// What zsh is told of a command, on a planted one that has all there can be. That zsh takes it: ../completion.test.ts.
import { expect, test } from 'vitest';
import { zshScript } from '../../../src/admin/completion/zsh.ts';
import { defineCommand } from '../../../src/cli/command.ts';

const command = defineCommand({
  name: 'try',
  describe: "what isn't",
  text: [],
  options: {
    all: { kind: 'flag', describe: 'a flag' },
    loud: { kind: 'flag', alias: 'l', describe: 'one of one letter' },
    file: { kind: 'path', alias: 'f', repeat: true, describe: 'with [brackets]' },
    to: { kind: 'log', describe: 'words with colons' },
    when: { kind: 'text', describe: 'anything' },
    how: { kind: 'choice', choices: ['so', 'thus'], repeat: true, describe: 'choices' },
  },
  positionals: { log: { describe: '', many: true }, one: { describe: '', choices: ['a', 'b'] } },
  examples: [],
  statuses: {},
  run: () => 0,
});
const script = zshScript([command]);

test.each([
  ['a flag takes nothing', "'--all[a flag]'"],
  ['a letter or the name, once', "'(-l --loud)'{-l,--loud}'[one of one letter]'"],
  ['any number of files', "'*'{-f,--file=}'[with \\[brackets\\]]:file:_files'"],
  ['a colon in a word', "'--to=[words with colons]:to:(syslog stderr none file\\:)'"],
  ['nothing to offer', "'--when=[anything]:when: '"],
  ['choices, several times', "'*--how=[choices]:how:(so thus)'"],
  ['the help that each has', "'--help[print a help text]'"],
  ['files', "'*:log:_files'"],
  ['a word of some', "':one:(a b)'"],
])('%s', (_, spec) => {
  const its = /\n {4}try\)\n[^\n]*\n *_arguments -s (.*?) ;;/s.exec(script)![1]!.split(/ \\\n */);
  expect(its).toContain(spec);
});

test('a command is offered with what it is for', () => {
  expect(script).toContain(`local -a commands=(\n    'try:what isn'\\''t'\n  )`);
});
