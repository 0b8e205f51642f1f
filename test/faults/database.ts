// Databases to be damaged: made once by the program itself, copied for each case, asked about afterwards.
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { closeFile, openFile } from '../../src/store/pages/file.ts';
import { readHead } from '../../src/store/pages/head.ts';
import { markedTxn } from '../../src/store/pages/mark.ts';
import { verify } from '../../src/store/pages/verify.ts';
import { greylatch, type Session, startFilter } from '../support/filter.ts';
import { dunno, shortRequest } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

export interface Template {
  directory: string;
  triples: number;
  remove(): void;
}

export function requestFor(i: number, mark = ''): string {
  return shortRequest(
    `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    `s${i}${mark}@example.org`,
    `r${i % 331}@example.net`,
  );
}

export const file = (directory: string) => path.join(directory, 'greylist.mdb');
export const logFile = (directory: string) => path.join(directory, 'log');

/** Whether all that was queued is in the database. */
export function isEmptied(directory: string): boolean {
  const path = `${file(directory)}-queue`;
  if (!isFile(path)) return true;
  const queue = readFileSync(path);
  return queue.readUInt32LE(8) === queue.length;
}

/** Whether that is on the disk, too: all filters rest. */
export function isAtRest(directory: string): boolean {
  const database = openFile(file(directory));
  if (database === undefined) return false;
  try {
    const { txnid } = readHead(database);
    return isEmptied(directory) && markedTxn(database) === txnid;
  } finally {
    closeFile(database);
  }
}

export const filterIn = (directory: string, ...options: string[]) =>
  startFilter(
    greylatch('--db', file(directory), '--log', `file:${logFile(directory)}`, '--delay', '0', ...options),
  );

/** All numbers below `triples`, each once, in an order that scatters them over the pages. */
const scattered = (i: number, triples: number) => (i * 7919) % triples; // a prime

/** A database with so many triples, stored in an order that scatters them over the pages, all old enough to pass. */
export async function makeTemplate(triples: number): Promise<Template> {
  const scratch = makeScratch();
  const filter = await filterIn(scratch.path, '--auto-whitelist', '0');
  await askAll(filter, triples);
  await until(async () => (await filter.ask(requestFor(scattered(triples - 1, triples)))) === dunno); // the youngest
  await filter.finish();
  return { directory: scratch.path, triples, remove: scratch.remove };
}

/** Asks the filter for all triples. Returns how many pass. */
async function askAll(filter: Session, triples: number): Promise<number> {
  let known = 0;
  for (let done = 0; done < triples; done += 1000) {
    const count = Math.min(1000, triples - done);
    filter.send(Array.from({ length: count }, (_, i) => requestFor(scattered(done + i, triples))).join(''));
    known += (await filter.replies(count)).filter((reply) => reply === dunno).length;
  }
  return known;
}

/** Has all triples of the copy in the directory pass, so that none of them needs to be written for a day. */
export async function passAll(directory: string, triples: number): Promise<void> {
  const filter = await filterIn(directory, '--auto-whitelist', '0');
  if ((await askAll(filter, triples)) !== triples) throw new Error('not all triples passed');
  await filter.finish();
}

/** A copy of the template in a directory of its own. */
export function copyOf(template: Template): { path: string; remove(): void } {
  const scratch = makeScratch();
  cpSync(template.directory, scratch.path, { recursive: true });
  return scratch;
}

/** Filters that are asked as Postfix asks: a second time, of a new process, when there is no reply. */
export class Smtpd {
  deaths = 0;
  private secondTry = false;
  private constructor(
    private filter: Session,
    private readonly directory: string,
    private readonly options: string[],
  ) {}

  static async start(directory: string, ...options: string[]): Promise<Smtpd> {
    return new Smtpd(await filterIn(directory, ...options), directory, options);
  }

  async ask(request: string): Promise<string> {
    try {
      return await this.filter.ask(request);
    } catch {
      this.deaths++;
      this.secondTry = true;
      await this.filter.hangUp();
      this.filter = await filterIn(this.directory, ...this.options);
      const reply = await this.filter.ask(request);
      this.secondTry = false;
      return reply;
    }
  }

  /** The process that is asked now; undefined on a second try, which must not be killed as well. */
  pid(): number | undefined {
    return this.secondTry ? undefined : this.filter.pid;
  }

  async stop(): Promise<void> {
    const { code, rest } = await this.filter.finish();
    if (code !== 0 || rest !== '') throw new Error(`ended with status ${code} and ${JSON.stringify(rest)}`);
  }
}

/** What was set aside. */
export const setAside = (directory: string) =>
  readdirSync(directory).filter((name) => /^greylist\.mdb\.damaged-\d{8}T\d{6}Z(-\d+)?$/.test(name));

export const critLines = (directory: string) =>
  existsSync(logFile(directory))
    ? readFileSync(logFile(directory), 'utf8')
        .split('\n')
        .filter((line) => line.includes(' crit: '))
    : [];

/** Reads the whole database here: to start `greylatch verify` for each of some hundred would take longer than their cases. */
export function expectSound(directory: string): void {
  expect(verify(file(directory), () => {})?.problems).toEqual([]);
}

export const isFile = (name: string) => statSync(name, { throwIfNoEntry: false })?.isFile() === true;
