// A list that is not yet read answers as one that is: random lines and queries, in files of every shape. And what
// happens around it: the reading between requests, its warnings, files that change or vanish meanwhile.
import fs, { closeSync, fstatSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { CLIENTS } from '../../src/lists/clients.ts';
import { openLarge } from '../../src/lists/large.ts';
import { type ListKind, readAtOnce } from '../../src/lists/list.ts';
import { openClientList, openRecipientList } from '../../src/lists/lists.ts';
import { RECIPIENTS } from '../../src/lists/recipients.ts';
import { openFiles } from '../support/files.ts';
import { makeRandom, type Random } from '../support/random.ts';
import { useScratch } from '../support/scratch.ts';
import { unmock } from '../support/unmock.ts';
import {
  addresses,
  clientLines,
  names,
  randomExpression,
  randomNetwork,
  randomText,
  recipientLines,
  recipients,
} from './samples.ts';

const count = Number(process.env.GREYLATCH_LISTS ?? 400);
const seed = Number(process.env.GREYLATCH_SEED ?? 1);

const scratch = useScratch('of all');
const file = path.join(scratch.path, 'list');

let works: (() => void)[];
let warnings: string[];
let time: number;
beforeEach(() => {
  works = [];
  warnings = [];
  time = 1000;
});
const later = (work: () => void) => void works.push(work);
const options = () => ({ warn: (text: string) => void warnings.push(text), now: () => time, later });
function readAll(): void {
  while (works.length > 0) works.shift()!();
}
const padding = (lines: number) => Array.from({ length: lines }, (_, i) => `padding${i}.example.invalid`);
const itsOpenFiles = () => openFiles().filter((name) => name.startsWith(file));

/** What is written in `lines`, unread and read. */
function bothWays<Who extends string[]>(kind: ListKind<Who>, text: string) {
  writeFileSync(file, text, 'latin1');
  const fd = openSync(file, 'r');
  const never = () => {
    throw new Error('was read or given up');
  };
  const unread = openLarge(fd, fstatSync(fd).size, kind, { bad: never, done: never, failed: never, later });
  return { unread, read: readAtOnce(kind, Buffer.from(text, 'latin1')) };
}

/** A line as somebody may have written it. */
function written(random: Random, line: string): string {
  const around = () => random.pick(['', '', '', ' ', '\t', '\v \f', '\r']);
  const folded = random.chance(0.2) ? line.toUpperCase() : line;
  const bracketed = random.chance(0.1) ? `[${folded}]` : folded;
  return around() + bracketed + around() + random.pick(['', '', '', '#', ' # why', '# 192.168.0.0/1']);
}

function randomList(random: Random, line: () => string): string {
  const lines = Array.from({ length: random.below(12) }, () => written(random, line()));
  if (random.chance(0.1)) lines.push(random.pick(['x', '# ']).repeat(70_000), line());
  const padded = random.chance(0.05) ? [...padding(3000), ...lines, ...padding(3000), line(), line()] : lines;
  const mark = random.chance(0.2) ? '\xef\xbb\xbf' : '';
  return mark + padded.join('\n') + random.pick(['', '\n', '\n\n']);
}

test(`${count} random lists of clients (seed ${seed})`, () => {
  const random = makeRandom(seed);
  const seen = { name: 0, network: 0, expression: 0, none: 0 };
  for (let i = 0; i < count; i++) {
    const text = randomList(random, () => {
      if (random.chance(0.4)) return randomNetwork(random);
      if (random.chance(0.2)) return randomExpression(random);
      return random.chance(0.5) ? randomText(random, names) : random.pick(clientLines)[0];
    });
    const { unread, read } = bothWays(CLIENTS, text);
    for (let n = 0; n < 30; n++) {
      const name = random.chance(0.5)
        ? 'unknown'
        : random.pick([...names, '', '.', 'a..b', '1.2.3.4', '#', 'x y']);
      const address = random.pick([...addresses, '', 'unknown', '::ffff:192.168.1.1', '[1.2.3.4]']);
      const found = read.match(name, address);
      expect({ text, name, address, found: unread.match(name, address) }).toEqual({
        text,
        name,
        address,
        found,
      });
      if (found === undefined) seen.none++;
      else if (found.text.startsWith('/')) seen.expression++;
      else if (/^[\d.[]|:/.test(found.text)) seen.network++;
      else seen.name++;
    }
    unread.close();
  }
  for (const number of Object.values(seen)) expect(number).toBeGreaterThan(count / 2);
});

test(`${count} random lists of recipients (seed ${seed})`, () => {
  const random = makeRandom(seed);
  const seen = { user: 0, address: 0, domain: 0, expression: 0, none: 0 };
  const who = [
    ...recipients,
    '@',
    '@example.org',
    'a.b',
    '#x@example.org',
    'x y@example.org',
    'ann+@',
    '++@example.org',
  ];
  for (let i = 0; i < count; i++) {
    const text = randomList(random, () => {
      if (random.chance(0.2)) return randomExpression(random);
      return random.chance(0.5) ? randomText(random, who) : random.pick(recipientLines)[0];
    });
    const { unread, read } = bothWays(RECIPIENTS, text);
    for (const recipient of who) {
      const found = read.match(recipient);
      expect({ text, recipient, found: unread.match(recipient) }).toEqual({ text, recipient, found });
      if (found === undefined) seen.none++;
      else if (found.text.startsWith('/') && found.text.endsWith('/')) seen.expression++;
      else if (found.text.endsWith('@')) seen.user++;
      else if (found.text.includes('@')) seen.address++;
      else seen.domain++;
    }
    unread.close();
  }
  for (const number of Object.values(seen)) expect(number).toBeGreaterThan(count / 2);
});

test('a long file is read after the first answers, and then tells of bad lines; the descriptor is closed', () => {
  writeFileSync(
    file,
    [...padding(4000), '*.example', 'example.com', '/(/', '192.0.2', ...padding(4000)].join('\n'),
  );
  const list = openClientList([file], options());
  const ask = () => {
    expect(list.match('mx.EXAMPLE.com', '')).toEqual({ file, line: 4002, text: 'example.com' });
    expect(list.match('unknown', '192.0.2.9')).toEqual({ file, line: 4004, text: '192.0.2' });
    expect(list.match('padding17.example.invalid', '')).toMatchObject({ line: 18 });
    expect(list.match('mx.example.org', '192.0.3.9')).toBeUndefined();
  };
  ask();
  expect(warnings).toEqual([]);
  expect(itsOpenFiles()).toHaveLength(1);
  while (works.length > 0) {
    works.shift()!();
    ask();
  }
  expect(warnings).toEqual([
    expect.stringContaining(`${file}:4001: "*.example" is no name`),
    expect.stringContaining(`${file}:4003: "/(/" cannot be read`),
  ]);
  expect(itsOpenFiles()).toEqual([]);
});

test('one that vanishes before it is read holds', () => {
  writeFileSync(file, [...padding(4000), 'codes@'].join('\n'));
  const list = openRecipientList([file], options());
  rmSync(file);
  time += 1;
  expect(list.match('codes+1@example.org')).toMatchObject({ line: 4001 });
  readAll();
  expect(list.match('codes+1@example.org')).toMatchObject({ line: 4001 });
  expect(warnings).toEqual([expect.stringContaining('its last contents hold: ENOENT')]);
});

test('one that changes while it is read is left, and what it was blamed for is not told again', () => {
  const change = (...lines: string[]) => {
    writeFileSync(`${file}.new`, ['*.one', ...lines, ...padding(9000), '*.two'].join('\n'));
    renameSync(`${file}.new`, file);
    time += 1;
  };
  change();
  const list = openClientList([file], options());
  works.shift()!();
  works.shift()!();
  expect(warnings.splice(0)).toEqual([expect.stringContaining(`${file}:1: "*.one"`)]);
  change('example.com');
  expect(list.match('example.com', '')).toMatchObject({ line: 2 });
  expect(itsOpenFiles()).toHaveLength(1);
  readAll();
  expect(list.match('example.com', '')).toMatchObject({ line: 2 });
  expect(warnings.splice(0)).toEqual([expect.stringContaining(`${file}:9003: "*.two"`)]);
  change('example.org');
  expect(list.match('example.com', '')).toBeUndefined();
  writeFileSync(`${file}.new`, 'example.net\n');
  renameSync(`${file}.new`, file); // what was there can still be read, but is not
  time += 1;
  expect(list.match('example.org', '')).toBeUndefined();
  readAll();
  expect(list.match('example.net', '')).toMatchObject({ line: 1 });
  expect(warnings).toEqual([]);
  expect(itsOpenFiles()).toEqual([]);
});

test('a name of more than sixteen labels has it read at once', () => {
  writeFileSync(file, [...padding(4000), 'com', '*'].join('\n'));
  const list = openClientList([file], options());
  const told = [15, 16, 250].map((more) => {
    expect(list.match(`${'a.'.repeat(more)}com`, '')).toMatchObject({ line: 4001 });
    return warnings.length;
  });
  readAll();
  expect([...told, warnings.length]).toEqual([0, 1, 1, 1]);
  expect(list.match(`${'a.'.repeat(250)}com`, '')).toMatchObject({ line: 4001 });
});

test.each([
  ['a domain of more than sixteen labels', (more: number) => `z@${'a.'.repeat(more)}com`],
  ['a user of as many parts', (more: number) => `codes${'+b'.repeat(more)}@example.org`],
])('%s, too', (_, recipient) => {
  writeFileSync(file, [...padding(4000), 'com', 'codes@', '*'].join('\n'));
  const list = openRecipientList([file], options());
  const told = [15, 16].map((more) => {
    expect(list.match(recipient(more))?.text).toMatch(/^(com|codes@)$/);
    return warnings.length;
  });
  readAll();
  expect([...told, warnings.length]).toEqual([0, 1, 1]);
});

test('one that fails to be read leaves what was there before, is told once, and is tried again', () => {
  const put = (...lines: string[]) => {
    writeFileSync(`${file}.new`, lines.join('\n'));
    renameSync(`${file}.new`, file);
  };
  const { readSync } = fs;
  let broken = false;
  vi.spyOn(fs, 'readSync').mockImplementation(((...how: Parameters<typeof readSync>) => {
    if (broken) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    return readSync(...how);
  }) as typeof readSync);
  syncBuiltinESMExports();
  put('one.example');
  const list = openClientList([file], options());
  const ask = (name: string) => list.match(name, '')?.line;
  const fail = () => {
    broken = true;
    time += 1;
    const found = [ask('one.example'), ask('two.example')];
    readAll();
    broken = false;
    expect(itsOpenFiles()).toEqual([]);
    return found;
  };
  expect(ask('one.example')).toBe(1);
  put(...padding(4000), 'two.example');
  for (let times = 0; times < 3; times++) expect(fail()).toEqual([1, undefined]);
  const told = `${file}: cannot be read, its last contents hold: EIO: i/o error`;
  expect(warnings).toEqual([told]);
  time += 1;
  expect([ask('one.example'), ask('two.example')]).toEqual([undefined, 4001]);
  readAll();
  expect([ask('one.example'), ask('two.example')]).toEqual([undefined, 4001]);
  put(...padding(5000), 'one.example');
  expect(fail()).toEqual([undefined, 4001]);
  expect(warnings).toEqual([told, told]);
  unmock();
});

test('of a long one, too, no more is told than must be, and what comes back is told again', () => {
  const change = (...lines: string[]) => {
    writeFileSync(file, [...lines, ...padding(4000)].join('\n'));
    time += 1;
    list.match('', '');
    readAll();
    return warnings.splice(0);
  };
  const list = openClientList([file], options());
  warnings = [];
  const many = change(...Array.from({ length: 30 }, (_, i) => `<${i}>`));
  expect([many.length, many[20]]).toEqual([21, `${file}: 10 more lines are left out`]);
  expect(change('<1>')).toEqual([]);
  expect(change('<1>', '<2>')).toEqual([expect.stringContaining(`${file}:2: "<2>"`)]);
});

test('what cannot be read is left to another list, and told once', () => {
  const fd = openSync(scratch.path, 'r'); // a directory opens, and does not read
  const failures: unknown[] = [];
  const other = readAtOnce(CLIENTS, Buffer.from('example.com'));
  const list = openLarge(fd, 100_000, CLIENTS, {
    bad: () => {},
    done: () => {
      throw new Error('was read');
    },
    failed(error) {
      failures.push(error);
      return other;
    },
    later,
  });
  expect(list.match('example.com', '')).toMatchObject({ line: 1 });
  readAll();
  expect(failures).toEqual([expect.objectContaining({ code: 'EISDIR' })]);
  expect(() => closeSync(fd)).toThrow('EBADF');
});
