// The manual page: as it was built into dist, and as groff sets it.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { version } from '../../package.json';
import { COMMANDS } from '../../src/admin/commands.ts';
import { type Command, defineCommand } from '../../src/cli/command.ts';
import { OPTIONS } from '../../src/cli/options.ts';
import { manualPage } from '../../src/manual/page.ts';
import { secretPath } from '../../src/store/disk/secret.ts';
import { readAddress } from '../../src/store/fleet/address.ts';
import { journalPath } from '../../src/store/fleet/journal.ts';
import { lockPath } from '../../src/store/pages/lock.ts';
import { queuePath } from '../../src/store/queue/read.ts';
import { suite } from '../support/needs.ts';
import { project } from '../support/project.ts';

const built = path.join(project, 'dist/greylatch.8');

test('the page in dist is made from the tables as they are', () => {
  expect(readFileSync(built, 'utf8')).toBe(manualPage(version, OPTIONS, COMMANDS));
});

test('the package has it, and not what made it', () => {
  const words = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const [{ files }] = JSON.parse(execFileSync('npm', words, { cwd: project, encoding: 'utf8' })) as [
    { files: { path: string }[] },
  ];
  const paths = files.map((file) => file.path);
  expect(paths).toContain('dist/greylatch.8');
  expect(paths).not.toContain('dist/manual.js');
});

suite('set by groff', ['groff'], () => {
  /** Plain text, without hyphenation or bold; what groff warns of comes first. */
  function set(page: string): string {
    const words = ['-man', '-ww', '-Tutf8', '-rHY=0', '-rLL=200n', '-P-c', '-P-b', '-P-u', '-P-o'];
    const { status, stdout, stderr } = spawnSync('groff', words, { input: page, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return stderr + stdout.replace(/ +/g, ' ');
  }

  const text = set(manualPage(version, OPTIONS, COMMANDS));

  test('without a warning', () => {
    expect(text).toMatch(/^GREYLATCH\(8\)/);
    for (const heading of [
      'NAME',
      'SYNOPSIS',
      'DESCRIPTION',
      'WHITELIST FILES',
      'SEVERAL HOSTS',
      'FILES',
      'DIAGNOSTICS',
      'SECURITY',
      'BUGS',
      'SEE ALSO',
    ]) {
      expect(text).toContain(`\n${heading}\n`);
    }
  });

  test('every file that a filter makes is there', () => {
    const db = OPTIONS.db.default;
    const signs = [`${db}.recovering`, `${db}.saving`];
    for (const file of [db, lockPath(db), queuePath(db), secretPath(db), journalPath(db), ...signs])
      expect(text).toMatch(new RegExp(`^ +${file}\\n`, 'm'));
  });

  test('what restore leaves, each exit status of README, and what the log says of --store', () => {
    expect(text).toMatch(new RegExp(`^ +${OPTIONS.db.default}\\.before-restore-TIME\n`, 'm'));
    expect(text).toMatch(
      /\n +1 A request of an unknown type:.* a reply that cannot be written.*--on-error exit/,
    );
    expect(text).toMatch(/That the store of --store is away is logged once by all filters of a host/);
  });

  test('a command line among the words is given as it is typed: no full stop behind it', () => {
    expect(text).toContain(
      '\n As in: db_dump -h /var/lib/postgrey postgrey.db | greylatch import --client-key subnet -\n',
    );
    expect(text).toContain('\n Made by: db_dump /var/lib/postfix/greylist.db > greylist.dump\n');
    expect(text).not.toMatch(/ -\.\n/);
  });

  test('each form of --store that it shows is one', () => {
    const forms = text.match(/(?<=\n )redis\S+/g)!;
    expect(forms).toHaveLength(5);
    for (const form of forms) {
      const url = form
        .replace(/HOST|NAME|USER|PATH/g, 'name')
        .replace(/PORT/g, '6379')
        .replace(/DB/g, '0');
      expect(() => readAddress(url)).not.toThrow();
    }
  });

  test('what a command cannot do without is in the synopsis', () => {
    expect(text).toContain('\n greylatch salvage DAMAGED --into FILE [options]\n');
  });

  test('every option of the filter is there, with its default', () => {
    for (const [name, { describe, ...option }] of Object.entries(OPTIONS)) {
      expect(text).toContain(`--${name}`);
      expect(text.toLowerCase()).toContain(describe.toLowerCase());
      if ('default' in option) expect(text).toMatch(new RegExp(`--${name} .*default: ${option.default}`));
    }
  });

  test.each(COMMANDS.map((command) => [command.name, command] as const))(
    'the command %s',
    (name, command) => {
      // Its heading, and not an example that names it.
      const commands = text.indexOf('\nCOMMANDS\n');
      const heading = new RegExp(`\\n greylatch ${name}( \\S+)* \\[options\\]\\n`);
      const start = commands + text.slice(commands).search(heading);
      expect(start).toBeGreaterThan(commands);
      const rest = text.slice(start + 1);
      const own = rest.slice(0, rest.search(/\n( greylatch \S.*\[options\]|[A-Z][A-Z ]+)\n/));
      for (const option of Object.keys(command.options)) expect(own).toContain(`--${option}`);
      for (const word of Object.keys(command.positionals)) expect(own).toContain(word.toUpperCase());
      for (const status of Object.keys(command.statuses))
        expect(own).toMatch(new RegExp(`\\n ${status} \\w`));
      for (const [line] of command.examples) expect(own).toContain(`greylatch ${line}`);
    },
  );

  test('text is not taken for roff, nor for markup', () => {
    const awkward = defineCommand({
      name: 'awkward',
      describe: '.SH "no" \\fBheading\\fR',
      text: ["'tis no request, nor **bold**, nor __italic__: a -- b ~ ^ `c` \\n"],
      options: { odd: { kind: 'text', default: '"\\"', describe: '\'.\\" quoted' } },
      positionals: {},
      examples: [['awkward --odd "a\\nb"', '.']],
      statuses: { 0: '.br' },
      run: () => 0,
    }) as unknown as Command;
    const odd = set(manualPage('1', {}, [awkward]));
    expect(odd).toMatch(/^GREYLATCH/); // no warning
    for (const whole of [
      '.SH "no" \\fBheading\\fR.',
      "'tis no request, nor **bold**, nor __italic__: a -- b ~ ^ `c` \\n\n",
      '--odd TEXT (default: "\\")',
      '\'.\\" quoted.',
      'greylatch awkward --odd "a\\nb"',
      ' .br.',
    ]) {
      expect(odd).toContain(whole);
    }
  });
});
