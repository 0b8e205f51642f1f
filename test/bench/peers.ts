// The programs that are measured, each with how it is started on a database of its own. What is not installed
// says how to get it.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { userInfo } from 'node:os';
import path from 'node:path';
import { NODE_FLAGS } from '../../src/cli/service.ts';
import { CLEAN, type Target } from './driver.ts';

export interface OpenOptions {
  /** Seconds; every program is told the same. */
  delay: number;
  /** On the first processor, beside the driver. */
  pinned: boolean;
}

export interface Opened {
  target: Target;
  close(): Promise<void>;
}

export interface Program {
  name: string;
  kind: 'filter' | 'daemon' | 'floor';
  /** Makes it ready on what lies in `directory`: the files of an earlier run, or nothing. */
  open(directory: string, options: OpenOptions): Promise<Opened>;
}

export interface Interpreters {
  node: string;
  perl: string;
}

const GREYLIST_PL = '/usr/share/doc/postfix/examples/smtpd-policy/greylist.pl';
const POSTGREY = '/usr/sbin/postgrey';

/**
 * Copies of the interpreters. The bench runs on the originals, which keeps their pages in memory and shares them:
 * no start would be a cold one, and memory would be counted too low.
 */
export function copyInterpreters(directory: string): Interpreters {
  const copies = { node: path.join(directory, 'node'), perl: path.join(directory, 'perl') };
  copyFileSync(process.execPath, copies.node);
  if (!existsSync('/usr/bin/perl')) throw new Error('the driver is in Perl: apt-get install perl');
  copyFileSync('/usr/bin/perl', copies.perl);
  return copies;
}

/** Whatever is installed, greylist.pl first: the others are compared with it. */
export function findPrograms({ node, perl }: Interpreters): { programs: Program[]; missing: string[] } {
  const programs: Program[] = [];
  const missing: string[] = [];
  if (!existsSync(GREYLIST_PL)) {
    missing.push(
      'greylist.pl: apt-get install postfix-doc (where documentation is left out, as in slim images: ' +
        "apt-get install --reinstall -o Dpkg::Options::=--path-include='/usr/share/doc/postfix*' postfix-doc)",
    );
  } else if (spawnSync(perl, ['-MDB_File', '-e1']).status !== 0) {
    missing.push('greylist.pl: needs DB_File; apt-get install perl');
  } else programs.push(greylistPl(perl));
  if (existsSync(POSTGREY)) programs.push(postgrey());
  else missing.push('postgrey: apt-get install postgrey');
  programs.push(floor(node), greylatch(node, 'later'), greylatch(node, 'always'));
  return { programs, missing };
}

export function greylatch(node: string, sync: 'later' | 'always', ...more: string[]): Program {
  return filter(`greylatch --sync ${sync}`, (directory, delay) => {
    const database = path.join(directory, 'greylist.mdb');
    const options = ['--db', database, '--log', 'none', '--delay', `${delay}`, '--sync', sync];
    return [node, ...NODE_FLAGS, path.resolve('bin/greylatch.js'), ...options, ...more];
  });
}

export function floor(node: string): Program {
  return { ...filter('the floor', () => [node, path.resolve('test/bench/floor.cjs')]), kind: 'floor' };
}

/** Debian's script with its database and its delay put where it wants them: into the script. */
function greylistPl(perl: string): Program {
  return filter('greylist.pl', (directory, delay) => {
    const script = path.join(directory, 'greylist.pl');
    const text = readFileSync(GREYLIST_PL, 'latin1')
      .replace(/^\$database_name=.*$/m, () => `$database_name="${directory}/greylist.db";`)
      .replace(/^\$greylist_delay=.*$/m, `$greylist_delay=${delay};`);
    if (!text.includes(directory) || !text.includes(`=${delay};`))
      throw new Error(`${GREYLIST_PL} does not set its database and its delay as it used to`);
    writeFileSync(script, text, 'latin1');
    return [perl, script];
  });
}

function filter(name: string, command: (directory: string, delay: number) => string[]): Program {
  return {
    name,
    kind: 'filter',
    open: async (directory, { delay }) => ({
      target: { command: command(directory, delay) },
      close: async () => {},
    }),
  };
}

function postgrey(): Program {
  return {
    name: 'postgrey',
    kind: 'daemon',
    async open(directory, { delay, pinned }) {
      const socket = path.join(directory, 'socket');
      const user = userInfo();
      const group = spawnSync('id', ['-gn'], { encoding: 'utf8' }).stdout.trim();
      mkdirSync(path.join(directory, 'db'), { recursive: true });
      const options = [`--unix=${socket}`, `--dbdir=${directory}/db`, `--delay=${delay}`, '--quiet'];
      const command = [POSTGREY, ...options, `--user=${user.username}`, `--group=${group}`];
      if (pinned) command.unshift('taskset', '-c', '0');
      const child = spawn(command[0]!, command.slice(1), { stdio: 'ignore', env: CLEAN });
      const stop = () => child.kill('SIGKILL');
      process.once('exit', stop);
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
      for (let tries = 0; !(await answers(socket)); tries++) {
        if (child.exitCode !== null || tries > 200) throw new Error('postgrey does not start');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const close = async () => {
        child.kill('SIGTERM');
        await ended;
        process.off('exit', stop);
      };
      return { target: { socket, daemon: child.pid! }, close };
    },
  };
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false));
    connection.once('connect', () => connection.destroy());
  });
}
