// What a test needs from the machine. A test that lacks something is skipped with the reason in its name, except in
// CI, where it fails: a green run there must mean that it was run.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, test } from 'vitest';
import { faketimeLibrary } from './clock.ts';

/** greylist.pl itself, as Debian's postfix-doc installs it. */
export const greylistPl = '/usr/share/doc/postfix/examples/smtpd-policy/greylist.pl';

/** The oracle of the lists of exceptions. */
export const postgrey = '/usr/sbin/postgrey';

/** undefined, if the program is there. */
const program = (name: string, debian = name) =>
  spawnSync('sh', ['-c', `command -v ${name}`]).status === 0 ? undefined : `${name} (Debian: ${debian})`;

/** The engine that the fleet's tests run on. */
export const engine = process.env.GREYLATCH_ENGINE ?? 'redis-server';

const faketime = () => (faketimeLibrary() ? undefined : 'libfaketime (Debian: libfaketime)');

const lacks = {
  /** An engine whose clock the test holds: in valkey-server, jemalloc and libfaketime wait for each other. */
  engineClock: () => (engine === 'redis-server' ? faketime() : 'redis-server'),
  faketime,
  greylistPl: () => (existsSync(greylistPl) ? undefined : `${greylistPl} (Debian: postfix-doc)`),
  postgrey: () =>
    spawnSync(postgrey, ['--version']).status === 0 ? undefined : `${postgrey} (Debian: postgrey)`,
  perl: () => (spawnSync('perl', ['-MDB_File', '-e1']).status === 0 ? undefined : 'perl with DB_File'),
  dbDump: () => program('db_dump', 'db-util'),
  openssl: () => program('openssl'),
  redis: () => program(engine),
  root: () => (process.getuid?.() === 0 ? undefined : 'root'),
  sqlite3: () => program('sqlite3'),
  strace: () => program('strace'),
  bash: () => program('bash'),
  btrfs: () => program('mkfs.btrfs', 'btrfs-progs'),
  chromium: () => program('chromium'),
  groff: () => program('groff', 'groff-base'),
  man: () => program('man', 'man-db'),
  nobody: () => (spawnSync('id', ['nobody']).status === 0 ? undefined : 'the user nobody'),
  postfix: () => program('postconf', 'postfix'),
  script: () => program('script', 'bsdutils'),
  zsh: () => program('zsh'),
};

export type Need = keyof typeof lacks;

/** describe, if everything is there. */
export function suite(name: string, needs: Need[], body: () => void): void {
  const missing = needs.map((need) => lacks[need]()).filter((reason) => reason !== undefined);
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const reason = `missing here: ${missing.join(', ')}`;
  if (process.env.CI) {
    test(name, () => {
      throw new Error(`${reason}; CI must not skip this (see .ci/run)`);
    });
  } else {
    describe.skip(`${name} (${reason})`, body);
  }
}
