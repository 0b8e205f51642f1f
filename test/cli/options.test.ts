// README names each option with its default, each command, and no option that there is none of.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/admin/commands.ts';
import { OPTIONS, type Option } from '../../src/cli/options.ts';
import { project } from '../support/project.ts';

const readme = readFileSync(path.join(project, 'README.md'), 'utf8');
/** The rows of the table below a heading, each as the texts of its cells. */
function rows(heading: string): string[][] {
  const [, section] = readme.split(`\n## ${heading}\n`);
  const lines = section!.split('\n## ')[0]!.split('\n').slice(0, 60);
  return lines.filter((line) => /^\| `/.test(line)).map((line) => line.slice(1, -1).split(/(?<!\\)\|/));
}
const code = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, inside]) => inside!);

test('each option of the filter, with its default', () => {
  const told = rows('Options').flatMap(([names, defaults]) => {
    const options = code(names!).filter((name) => name.startsWith('--'));
    // `none, none, \`100ms\``: a default for each.
    const each = options.length === 1 ? [defaults!] : defaults!.split(',');
    return options.map((name, i) => [name.split(' ')[0]!, code(each[i] ?? '')[0]] as const);
  });
  const wanted = Object.entries(OPTIONS).map(
    ([name, option]) => [`--${name}`, (option as Option).default] as const,
  );
  expect(new Map<string, string | undefined>(told)).toEqual(new Map(wanted));
});

test('each command, with options that it has', () => {
  const told = rows('For the administrator').flatMap(([usages]) => code(usages!));
  const named = COMMANDS.map(({ name, options }) => {
    const usages = told.filter((usage) => new RegExp(`^(greylatch )?${name}\\b`).test(usage));
    expect({ name, count: usages.length > 0 }).toEqual({ name, count: true });
    const words = usages.join(' ').match(/--[a-z-]+/g) ?? [];
    expect(words.filter((word) => !Object.hasOwn(options, word.slice(2)))).toEqual([]);
    return name;
  });
  expect(named).toHaveLength(COMMANDS.length);
});

test('no option that nothing knows', () => {
  const known = new Set(
    [OPTIONS, ...COMMANDS.map(({ options }) => options)].flatMap((all) => Object.keys(all)),
  );
  const ofOthers = [
    'help',
    'version',
    'prefix',
    'silent',
    'quick',
    'scale',
    'nodes',
    'fleet',
    'v8-pool-size',
  ];
  const words = [...readme.matchAll(/(?<![\w-])--([a-z][a-z\d-]*)/g)].map(([, name]) => name!);
  expect(words.filter((name) => !known.has(name) && !ofOthers.includes(name))).toEqual([]);
});
