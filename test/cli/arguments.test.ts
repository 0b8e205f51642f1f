// The command line: two readers, one meaning.
import { describe, expect, test } from 'vitest';
import { filterArguments, plainWords } from '../../src/cli/arguments.ts';
import { OPTIONS } from '../../src/cli/options.ts';
import {
  action,
  count,
  duration,
  logTarget,
  milliseconds,
  optionValue,
  text,
  UsageError,
} from '../../src/cli/values.ts';
import { readWords } from '../../src/cli/words.ts';
import { makeRandom } from '../support/random.ts';

test('what the quick reader understands, yargs-parser understands in the same way', () => {
  const random = makeRandom(5);
  const names = [...Object.keys(OPTIONS), 'nonsense', 'd', ''];
  const values = [
    '60',
    '5m',
    '/a/b.mdb',
    'dunno',
    'file:/x',
    'later',
    'two words',
    '-1',
    '--db',
    '',
    '=',
    'a=b',
    '"q"',
    "it's",
    '.',
    '1e3',
  ];
  let understood = 0;
  for (let i = 0; i < 20_000; i++) {
    const argv = Array.from({ length: random.below(4) }, () => {
      const name = random.chance(0.15) ? '-v' : `--${random.pick(names)}`;
      const value = random.pick(values);
      return name === '-v' ? [name] : random.chance(0.5) ? [`${name}=${value}`] : [name, value];
    }).flat();
    const plain = plainWords(argv);
    if (plain === undefined) continue;
    if (argv.length > 2) understood++;
    expect({ argv, words: plain }).toEqual({ argv, words: readWords(argv) });
  }
  expect(understood).toBeGreaterThan(1000);
});

test('the quick reader understands what is written in master.cf', () => {
  const line = '--client-key pool --sender-key=normalised --db /var/mta/g.mdb -v --header --db=./h.mdb';
  expect(plainWords(line.split(' '))).toEqual({
    'client-key': ['pool'],
    'sender-key': ['normalised'],
    db: ['/var/mta/g.mdb', './h.mdb'],
    verbose: ['true'],
    header: ['true'],
  });
  expect(plainWords([])).toEqual({});
  for (const word of ['xxdelay', '-xdelay', 'x-delay', 'delay'])
    expect(plainWords([word, '5m'])).toBeUndefined();
});

test('each option sets what it is for, the last of several words that cannot stand together', () => {
  const words = {
    db: ['/a', '/b'],
    store: ['redis://none', 'redis://one', 'redis://two'],
    'store-password-file': ['/o', '/p', '/q'],
    'store-timeout': ['1s'],
    delay: ['5m'],
    'auto-whitelist': ['0'],
    'client-key': ['subnet'],
    'ipv4-prefix': ['32'],
    'ipv6-prefix': ['128'],
    'sender-key': ['normalised'],
    greylist: ['suspicious'],
    'dry-run': ['true'],
    'retry-window': ['9h'],
    'max-age': ['1w'],
    'max-waiting': ['99'],
    'whitelist-clients': ['/c', '/d'],
    'whitelist-recipients': ['/e'],
    'only-recipients': ['/f'],
    'except-recipient': ['a@', 'b@example.org'],
    'role-accounts': ['true'],
    header: ['true'],
    privacy: ['true'],
    text: ['later'],
    action: ['defer'],
    'on-error': ['exit'],
    sync: ['always'],
    'time-limit': ['0'],
    log: ['none'],
    verbose: ['true'],
  };
  expect(Object.keys(words).sort()).toEqual(Object.keys(OPTIONS).sort());
  expect(filterArguments(words)).toEqual({
    db: '/b',
    store: 'redis://two',
    storePasswordFile: '/q',
    storeTimeout: 1000,
    delay: 300,
    autoWhitelist: 0,
    clientKey: 'subnet',
    ipv4Prefix: 32,
    ipv6Prefix: 128,
    senderKey: 'normalised',
    greylist: 'suspicious',
    dryRun: true,
    retryWindow: 32_400,
    maxAge: 604_800,
    maxWaiting: 99,
    whitelistClients: ['/c', '/d'],
    whitelistRecipients: ['/e'],
    onlyRecipients: ['/f'],
    exceptRecipients: ['a@', 'b@example.org'],
    roleAccounts: true,
    header: true,
    privacy: true,
    text: 'later',
    action: 'defer',
    onError: 'exit',
    sync: 'always',
    timeLimit: 0,
    log: 'none',
    verbose: true,
  });
});

test('without a word, everything has its default', () => {
  expect(filterArguments({})).toMatchObject({
    db: '/var/mta/greylist.mdb',
    delay: 60,
    autoWhitelist: 10,
    onError: 'dunno',
    sync: 'later',
    timeLimit: 3500,
    log: 'stderr',
    verbose: false,
  });
});

describe('a value', () => {
  test('of time is a number with a unit', () => {
    const seconds = {
      '60': 60,
      '60s': 60,
      '5m': 300,
      '2h': 7200,
      '2d': 172_800,
      '1w': 604_800,
      '90': 90,
      '0': 0,
      '999999999': 999_999_999,
    };
    for (const [word, value] of Object.entries(seconds)) expect(duration('delay', word)).toBe(value);
    for (const word of ['', '-1', '1.5', '5 m', 'm', '1y', '0x10', '9999999999']) {
      expect(() => duration('delay', word)).toThrow(UsageError);
    }
  });

  test('of a short time has a unit of its own, and is not 0', () => {
    const times = { '100ms': 100, '1s': 1000, '999999ms': 999_999 };
    for (const [word, value] of Object.entries(times))
      expect(milliseconds('store-timeout', word)).toBe(value);
    for (const word of ['', '100', 'ms', '0ms', '1m', '1.5s', '1000000ms'])
      expect(() => milliseconds('store-timeout', word)).toThrow(UsageError);
  });

  test('that is no prefix, file, choice or recipient is refused', () => {
    for (const [name, word] of [
      ['ipv4-prefix', '33'],
      ['ipv6-prefix', '129'],
      ['db', ''],
      ['whitelist-clients', 'a\0b'],
      ['sync', 'never'],
      ['except-recipient', 'bob'],
      ['except-recipient', '@example.org'],
      ['except-recipient', 'a b@example.org'],
      ['max-waiting', ''],
      ['max-waiting', '1000000000'],
    ] as const)
      expect(() => filterArguments({ [name]: [word] })).toThrow(`--${name}`);
    expect(filterArguments({ 'max-waiting': ['999999999'] })).toMatchObject({ maxWaiting: 999_999_999 });
  });

  test('of a command’s option is the last one given, or all where it may be repeated', () => {
    const sender = (word: unknown) => optionValue('sender', word, { kind: 'attribute', describe: '' });
    expect(sender('J\u00fc@x')).toBe('J\xc3\xbc@x');
    expect(sender('<>')).toBe('');
    expect(sender('\\xE9\\x0a\\x1g')).toBe('\xe9\n\\x1g');
    expect(sender(['a', 'b', 'c'])).toBe('c');
    expect(sender(undefined)).toBeUndefined();
    for (const word of ['a\n', '\x7f'])
      expect(() => sender(word)).toThrow('--sender: has control characters');
    const files = (word: unknown) => optionValue('f', word, { kind: 'path', describe: '', repeat: true });
    expect([files(['a', 'b']), files(undefined)]).toEqual([['a', 'b'], []]);
    const flag = (word: unknown) => optionValue('yes', word, { kind: 'flag', describe: '' });
    expect([flag(true), flag(undefined)]).toEqual([true, false]);
  });

  test('that would let mail in or garble a reply is refused', () => {
    for (const word of ['permit', 'OK', 'reject', '250', '550 5.7.1', 'defer\naction=ok']) {
      expect(() => action('action', word)).toThrow(UsageError);
    }
    for (const word of ['defer', 'DEFER_IF_PERMIT', '450', '451 4.7.1'])
      expect(action('action', word)).toBe(word);
    for (const word of ['a\nb', 'a\0', 'ä']) expect(() => text('text', word)).toThrow(UsageError);
    for (const word of ['-1', '1.0', 'ten']) expect(() => count('auto-whitelist', word)).toThrow(UsageError);
    for (const word of ['syslog', 'stderr', 'none', 'file:a']) expect(logTarget('log', word)).toBe(word);
    for (const word of ['file:', 'sys', '/a', 'syslog:/a'])
      expect(() => logTarget('log', word)).toThrow(UsageError);
  });
});

describe('what would silently mean something else is refused', () => {
  test.each(['yes', '1', 'on', '', 'no'])('a flag with the value %j', (value) => {
    for (const flag of ['--dry-run', '--privacy', '--role-accounts'])
      expect(() => readWords([`${flag}=${value}`])).toThrow(
        new UsageError(`${flag} takes no value: write ${flag}, or leave it out`),
      );
    expect(readWords(['--dry-run=true', '--privacy=false'])).toEqual({ 'dry-run': ['true'] });
  });

  test('and so is -v with one', () => {
    for (const word of ['-v=yes', '-v=1', '-v=', '-v5', '-vv=no'])
      expect(() => readWords(['--delay', '5m', word])).toThrow(
        new UsageError('-v takes no value: write -v, or leave it out'),
      );
    for (const word of ['-v', '-vv', '-v=true', '--verbose=true'])
      expect(readWords([word, '--text=-v5', '--db', 'a-v5'])).toMatchObject({ verbose: ['true'] });
    for (const word of ['-v=false', '--verbose=false']) expect(readWords([word])).toEqual({});
  });

  test('a text that was forgotten', () => {
    for (const argv of [['--text'], ['--text', '--verbose'], ['--text', '-v']])
      expect(() => readWords(argv)).toThrow('--text: needs a value');
    for (const argv of [['--text='], ['--text', '']]) expect(readWords(argv)).toEqual({ text: [''] });
  });

  test('a retry window in which nothing could pass', () => {
    const window = (delay: string, retryWindow: string) => () =>
      filterArguments({ delay: [delay], 'retry-window': [retryWindow] });
    expect(window('60', '60')).toThrow('--retry-window 60: has to be longer than --delay 60');
    expect(window('60', '1')).toThrow('--retry-window 1: has to be longer');
    expect(() => filterArguments({ delay: ['3d'] })).toThrow('--retry-window 2d');
    expect(window('60', '61')()).toMatchObject({ delay: 60, retryWindow: 61 });
    expect(window('3d', '0')()).toMatchObject({ retryWindow: 0 });
  });

  test('a number of days, as postgrey takes them, also of a command: purge would forget nearly all', () => {
    const readers = [
      (word: string) => filterArguments({ 'max-age': [word] }),
      (word: string) => optionValue('max-age', word, OPTIONS['max-age']),
    ];
    for (const read of readers) {
      for (const word of ['1', '35', '999'])
        expect(() => read(word)).toThrow(
          new UsageError(`--max-age ${word}: that would be seconds; write ${word}d or ${word}s`),
        );
      for (const word of ['0', '35s', '35d', '1000', '3600']) expect(() => read(word)).not.toThrow();
    }
    const window = (word: string) => optionValue('retry-window', word, OPTIONS['retry-window']);
    for (const word of ['1', '2', '59'])
      expect(() => window(word)).toThrow(
        new UsageError(`--retry-window ${word}: that would be seconds; write ${word}d or ${word}s`),
      );
    expect(['0', '2s', '2d', '60'].map(window)).toEqual([0, 2, 172_800, 60]);
    expect(optionValue('delay', '30', OPTIONS.delay)).toBe(30);
    for (const word of ['1e1', '0x2', '2.5', ' 5']) expect(() => window(word)).toThrow('not a time');
  });

  test('words in quotes, which master.cf does not know', () => {
    for (const argv of [
      ['--text', '"come', 'back"'],
      ['--text="come', 'back', 'later"'],
      ['--text', "'come", "back'", '-v'],
    ])
      expect(() => readWords(argv)).toThrow(
        new UsageError(
          `${argv.find((word) => word.startsWith('back'))}: no option; in master.cf, a value with spaces stands in { }, not in quotes`,
        ),
      );
    expect(() => readWords(['--delay', '5m', 'status'])).toThrow(
      'status: no option; a command stands before',
    );
  });
});

test('a recipient is in bytes, as requests are, and only ASCII letters lose their case', () => {
  const { exceptRecipients } = filterArguments({ 'except-recipient': ['J\u00dcrgen@Example.org'] });
  expect(exceptRecipients).toEqual(['j\xc3\x9crgen@example.org']);
});
