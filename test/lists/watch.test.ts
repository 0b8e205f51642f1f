// A list in a file: read at once, read again when it changes, never lost, and complaining no more than it must.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { CLIENTS } from '../../src/lists/clients.ts';
import { watchFile } from '../../src/lists/watch.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const scratch = useScratch('of each');
let warnings: string[];
let time: number;
let file: string;
beforeEach(() => {
  warnings = [];
  time = 1000;
  file = path.join(scratch.path, 'clients');
});

/** The list, read for the first time. */
function open(path: string): ReturnType<typeof watchFile<[name: string, address: string]>> {
  const list = watchFile(path, CLIENTS, { warn: (text) => void warnings.push(text), now: () => time });
  list();
  return list;
}
const matches = (list: ReturnType<typeof open>, name: string) =>
  list().match(name, '192.0.2.1') !== undefined;

test('sees a change within a second, in place or by a new file, and looks no more often', () => {
  writeFileSync(file, 'one.example\n');
  const list = open(file);
  writeFileSync(file, 'one.example\ntwo.example\n');
  expect(matches(list, 'two.example')).toBe(false);
  time += 0.9;
  expect(matches(list, 'two.example')).toBe(false);
  time += 0.1;
  expect(matches(list, 'two.example')).toBe(true);

  writeFileSync(`${file}.new`, 'one.example\nred.example\n');
  renameSync(`${file}.new`, file);
  time += 1;
  expect(matches(list, 'two.example')).toBe(false);
  expect(matches(list, 'red.example')).toBe(true);
});

test('a clock that jumps back does not keep it from looking', () => {
  writeFileSync(file, 'one.example\n');
  const list = open(file);
  writeFileSync(file, 'one.example\ntwo.example\n');
  time -= 100_000;
  expect(matches(list, 'two.example')).toBe(true);
});

test('a file that vanishes, or becomes something else, keeps its last contents; one warning', () => {
  writeFileSync(file, 'one.example\n');
  const list = open(file);
  rmSync(file);
  for (let i = 0; i < 5; i++) {
    time += 1;
    expect(matches(list, 'one.example')).toBe(true);
  }
  expect(warnings).toEqual([
    expect.stringContaining(`${file}: cannot be read, its last contents hold: ENOENT`),
  ]);

  mkdirSync(file);
  for (let i = 0; i < 5; i++) {
    time += 1;
    expect(matches(list, 'one.example')).toBe(true);
  }
  expect(warnings).toHaveLength(2);
  expect(warnings[1]).toContain('it is a directory');

  rmSync(file, { recursive: true });
  writeFileSync(file, 'two.example\n');
  time += 1;
  expect(matches(list, 'one.example')).toBe(false);
  expect(matches(list, 'two.example')).toBe(true);
  expect(warnings).toHaveLength(2);

  rmSync(file);
  time += 1;
  expect(matches(list, 'two.example')).toBe(true);
  expect(warnings).toHaveLength(3);
});

test('a file that is missing at the start is an empty list until it appears', () => {
  const list = open(file);
  expect(warnings).toEqual([
    expect.stringContaining(`${file}: cannot be read, taken for empty until it can`),
  ]);
  expect(matches(list, 'one.example')).toBe(false);
  time += 1;
  expect(matches(list, 'one.example')).toBe(false);
  writeFileSync(file, 'one.example\n');
  time += 1;
  expect(matches(list, 'one.example')).toBe(true);
  expect(warnings).toHaveLength(1);
  rmSync(file);
  time += 1;
  expect(matches(list, 'one.example')).toBe(true);
  expect(warnings).toHaveLength(2);
});

test('/dev/null is an empty list without a word', () => {
  expect(matches(open('/dev/null'), 'one.example')).toBe(false);
  expect(warnings).toEqual([]);
});

test('a bad line is a warning once, wherever it moves to, and again when it comes back', () => {
  writeFileSync(file, 'one.example\n*.example\n*.example\n/(/\n');
  const list = open(file);
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(`${file}:2: "*.example" is no name`);
  // What V8 says of it, without the expression once more.
  expect(warnings[1]).toMatch(
    `${file}:4: "/(/" cannot be read as a regular expression: Unterminated group; `,
  );
  expect(matches(list, 'one.example')).toBe(true);

  const change = (text: string) => {
    writeFileSync(file, text);
    time += 1;
    list();
    return warnings.splice(0);
  };
  warnings = [];
  expect(change('# moved\none.example\n\n*.example\n/(/\n')).toEqual([]);
  expect(change('one.example\n*.example\n*.other\n')).toEqual([
    expect.stringContaining(`${file}:3: "*.other"`),
  ]);
  expect(change('one.example\n')).toEqual([]);
  expect(change('*.example\n')).toEqual([expect.stringContaining(`${file}:1: "*.example"`)]);
});

test('a file that is no list does not fill the log', () => {
  writeFileSync(file, Array.from({ length: 5000 }, (_, i) => `<${i}>\n`).join(''));
  open(file);
  expect(warnings).toHaveLength(21);
  expect(warnings[20]).toBe(`${file}: 4980 more lines are left out`);
});

test('where all bad lines were told, nothing is said of more', () => {
  writeFileSync(file, Array.from({ length: 20 }, (_, i) => `<${i}>\n`).join(''));
  open(file);
  expect(warnings).toHaveLength(20);
});

test('a pipe in its place holds nobody up', () => {
  writeFileSync(file, 'one.example\n');
  const list = open(file);
  rmSync(file);
  execFileSync('mkfifo', [file]);
  time += 1;
  expect(matches(list, 'one.example')).toBe(true);
  expect(warnings).toEqual([expect.stringContaining('it is no regular file')]);
});

/** A file that says it is of some time long ago. */
function writeOld(name: string, text: string): void {
  const then = new Date(1_700_000_000_000);
  writeFileSync(name, text);
  utimesSync(name, then, then);
}

test('another file of the same size and time is another file', () => {
  writeOld(file, 'one.example\n');
  const list = open(file);
  writeOld(`${file}.new`, 'two.example\n');
  renameSync(`${file}.new`, file);
  time += 1;
  expect(matches(list, 'two.example')).toBe(true);
});

test('a file of another size is read again, one that is the same as before is not, and none stays open', () => {
  writeOld(file, 'one.example\n');
  const list = open(file);
  writeOld(file, 'two.example\n'); // as far as anybody can tell without reading it
  time += 1;
  expect(matches(list, 'one.example')).toBe(true);
  writeOld(file, 'two.example\nred.example\n');
  time += 1;
  expect(matches(list, 'one.example')).toBe(false);
  expect(matches(list, 'red.example')).toBe(true);
  rmSync(file);
  mkdirSync(file);
  time += 1;
  expect(matches(list, 'red.example')).toBe(true);
  expect(warnings).toHaveLength(1);
  const opened = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the directory's own
    }
  });
  expect(opened.filter((name) => name.startsWith(scratch.path))).toEqual([]);
});

test('a file that is taken away once more is missed once more', () => {
  writeFileSync(file, 'one.example\n');
  const list = open(file);
  for (let times = 1; times <= 2; times++) {
    renameSync(file, `${file}.away`);
    time += 1;
    expect(matches(list, 'one.example')).toBe(true);
    expect(warnings).toHaveLength(times);
    renameSync(`${file}.away`, file);
    time += 1;
    expect(matches(list, 'one.example')).toBe(true);
  }
});

test('a long file is read by and by, whoever asks', async () => {
  writeFileSync(file, `${'one.example\n'.repeat(6000)}*.example\n`);
  const list = open(file);
  expect(matches(list, 'one.example')).toBe(true);
  expect(warnings).toEqual([]);
  await until(() => warnings.length > 0);
  expect(warnings).toEqual([expect.stringContaining(`${file}:6001: "*.example" is no name`)]);
});
