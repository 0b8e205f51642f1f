// What these tests need of the machine, besides what the others need: root, and Postfix. Skipped with the reason
// where that is missing, except in CI, where a green run must mean that they were run.
import { spawnSync } from 'node:child_process';
import { describe, test } from 'vitest';

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'root, for Postfix changes users';
  if (spawnSync('postconf', ['-d', 'mail_version']).status !== 0) return 'Postfix (Debian: postfix)';
  if (spawnSync('id', ['nobody']).status !== 0) return 'the user nobody';
  return undefined;
}

/** describe, if this machine can run a Postfix of our own. */
export function postfixSuite(name: string, body: () => void): void {
  const reason = missing();
  if (reason === undefined) {
    describe(name, body);
  } else if (process.env.CI) {
    test(name, () => {
      throw new Error(`missing here: ${reason}; CI must not skip this (see .ci/run)`);
    });
  } else {
    describe.skip(`${name} (missing here: ${reason})`, body);
  }
}
