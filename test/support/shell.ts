// An interactive shell on a terminal of its own (script(1) makes it), asked what its line is after a TAB.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Shell {
  /** The command line as it stands after the keys were typed into an empty one. */
  type(keys: string): Promise<string>;
  close(): Promise<void>;
}

const PATIENCE = 60_000; // milliseconds for one look
const CLEAR = '\x15'; // C-u
const TELL = '\x18\x07'; // C-x C-g, bound below

// Each writes its line into a file, in one step.
const TELLS = {
  bash: (file: string) =>
    `tell() { printf '%s' "$READLINE_LINE" > ${file}.new; mv ${file}.new ${file}; }; bind -x '"\\C-x\\C-g": tell'\n`,
  zsh: (file: string) =>
    `tell() { print -rn -- "$BUFFER" > ${file}.new; mv ${file}.new ${file}; }; zle -N tell; bindkey '^X^G' tell\n`,
};
const QUIET = { bash: 'bash --norc --noprofile -i', zsh: 'zsh -f -i' };

/** `setUp` is typed first, a line of the shell's language. */
export async function startShell(kind: 'bash' | 'zsh', directory: string, setUp: string): Promise<Shell> {
  const file = path.join(directory, 'line');
  const env = { PATH: process.env.PATH ?? '', HOME: directory, TERM: 'dumb', INPUTRC: '/dev/null' };
  const child = spawn('script', ['-qec', QUIET[kind], '/dev/null'], { cwd: directory, env });
  let shown = '';
  child.stdout.on('data', (chunk) => {
    shown += chunk;
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdin.write(`${setUp}\n${TELLS[kind](file)}`);
  return {
    async type(keys) {
      child.stdin.write(`${CLEAR}${keys}${TELL}`);
      const end = performance.now() + PATIENCE;
      while (!existsSync(file)) {
        if (performance.now() > end || child.exitCode !== null) throw new Error(`${kind} says: ${shown}`);
        await sleep(20);
      }
      const line = readFileSync(file, 'utf8');
      rmSync(file);
      return line;
    },
    async close() {
      child.stdin.write(`${CLEAR}exit\n`);
      child.stdin.end();
      await ended;
    },
  };
}
