// greylatch completion: prints a shell script that completes commands, options and their values. The script has them all in
// it, so that no TAB has to wait for Node to start.
import { defineCommand } from '../cli/command.ts';
import { bashScript } from './completion/bash.ts';
import { zshScript } from './completion/zsh.ts';
import { print } from './write.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript };

export const completionCommand = defineCommand({
  name: 'completion',
  describe: 'print a script that completes commands and options on TAB',
  text: [
    'The script goes where the shell looks for it, as in the examples, and has to be printed again when greylatch is updated.',
  ],
  options: {},
  positionals: { shell: { required: true, choices: ['bash', 'zsh'], describe: 'bash or zsh' } },
  examples: [
    ['completion bash > /usr/share/bash-completion/completions/greylatch', 'for everybody who uses bash'],
    ['completion zsh > /usr/local/share/zsh/site-functions/_greylatch', 'for everybody who uses zsh'],
  ],
  statuses: { 0: 'printed', 2: 'wrong command line' },
  async run({ shell }) {
    const { COMMANDS } = await import('./commands.ts'); // this command is one of them
    print(SCRIPTS[shell](COMMANDS));
    return 0;
  },
});
