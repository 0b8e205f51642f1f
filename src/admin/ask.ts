// Asks the user before much is changed. Where standard input is no terminal nobody can be asked, and --yes is needed.
import { createInterface } from 'node:readline/promises';

/** How many records a command may touch without asking. */
const FREELY = 10;

export const YES = {
  kind: 'flag',
  describe: `do not ask before more than ${FREELY} records are touched`,
} as const;

/** Whether to go on. Throws an Error for the user where nobody can be asked. */
export async function mayTouch(count: number, doing: string, yes: boolean): Promise<boolean> {
  if (count <= FREELY || yes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Error(`this would ${doing}; nothing was changed; add --yes to do it`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`This will ${doing}. Go on? [y/N] `).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error;
      process.stderr.write('\n');
      return ''; // Ctrl-C or Ctrl-D
    });
    const goOn = /^y(es)?$/i.test(answer.trim());
    if (!goOn) process.stderr.write('Nothing was changed.\n');
    return goOn;
  } finally {
    terminal.close();
  }
}
