// Every option, declared once: what it is called, what it takes, what it is without being given, what it is
// for. The filter's own parser, --help and the administrator's commands all read this table.

export type Kind = 'path' | 'duration' | 'count' | 'text' | 'action' | 'choice' | 'log' | 'flag';

export interface Option {
  kind: Kind;
  /** As one would write it on the command line; undefined for a flag. */
  default?: string;
  choices?: readonly string[];
  alias?: string;
  /** May be given several times. */
  repeat?: boolean;
  /** Has no default and must be given. */
  required?: boolean;
  describe: string;
}

export const OPTIONS = {
  db: {
    kind: 'path',
    default: '/var/mta/greylist.mdb',
    describe: 'the database, a file; its directory must not be writable by everybody',
  },
  delay: {
    kind: 'duration',
    default: '60',
    describe: 'how long a new triple is deferred',
  },
  'auto-whitelist': {
    kind: 'count',
    default: '10',
    describe: 'a client with more come-backs than this is not deferred any more; 0: never',
  },
  text: {
    kind: 'text',
    default: 'Service is unavailable',
    describe: 'what the client is told with a deferral',
  },
  action: {
    kind: 'action',
    default: 'defer_if_permit',
    describe: 'how to defer, see access(5): defer_if_permit, defer, or a 4xx code',
  },
  'on-error': {
    kind: 'choice',
    choices: ['dunno', 'defer', 'exit'],
    default: 'dunno',
    describe: 'what mail gets while the database cannot be used; exit: no reply, status 1',
  },
  sync: {
    kind: 'choice',
    choices: ['later', 'always'],
    default: 'later',
    describe:
      'what a power cut may take: the last two seconds (later), or nothing that was answered (always)',
  },
  'time-limit': {
    kind: 'duration',
    default: '3500',
    describe: 'leave after this time, a little before spawn(8) would kill; 0: never',
  },
  log: {
    kind: 'log',
    default: 'syslog',
    describe: 'where messages go: syslog, stderr, none, or file:PATH; stderr by itself where it is apart',
  },
  verbose: {
    kind: 'flag',
    alias: 'v',
    describe: 'log each attribute and each action',
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

/** Of every command that prints facts. */
export const JSON_OUTPUT = { kind: 'flag', describe: 'the same facts for programs' } as const;
