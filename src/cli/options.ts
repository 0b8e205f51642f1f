// Every option of the filter, declared once: name, kind of value, default, purpose. The filter's own parser, --help and the
// administrator's commands all read this table.

export type Kind =
  | 'path'
  | 'duration'
  | 'count'
  | 'text'
  | 'attribute'
  | 'action'
  | 'choice'
  | 'log'
  | 'url'
  | 'milliseconds'
  | 'flag';

export interface Option {
  kind: Kind;
  /** As written on the command line; undefined for a flag. */
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
  store: {
    kind: 'url',
    describe:
      'the Valkey or Redis that several MX hosts share: redis://HOST/DB and other forms; --db is used while it is away',
  },
  'store-password-file': {
    kind: 'path',
    describe: 'the password for --store, the first line of a file that nobody else can read',
  },
  'store-timeout': {
    kind: 'milliseconds',
    default: '100ms',
    describe: 'how long a request waits for --store before this host decides by itself',
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
  'client-key': {
    kind: 'choice',
    choices: ['address', 'subnet', 'pool'],
    default: 'address',
    describe:
      'who the client is: its address, its subnet, or the pool of mail servers that its verified name belongs to',
  },
  'ipv4-prefix': { kind: 'count', default: '24', describe: 'bits of an IPv4 address that make a subnet' },
  'ipv6-prefix': { kind: 'count', default: '64', describe: 'bits of an IPv6 address that make a subnet' },
  'sender-key': {
    kind: 'choice',
    choices: ['exact', 'normalised'],
    default: 'exact',
    describe: 'who the sender is: the address, or the address without what changes from mail to mail',
  },
  greylist: {
    kind: 'choice',
    choices: ['all', 'suspicious', 'observe'],
    default: 'all',
    describe:
      'who is greylisted: all, clients that do not look like a mail server, or nobody while all is recorded',
  },
  'dry-run': { kind: 'flag', describe: 'defer nobody and store nothing; log what would have been answered' },
  'retry-window': {
    kind: 'duration',
    default: '2d',
    describe: 'a triple that has not come back within this time starts anew; 0: it may come back at any time',
  },
  'max-age': {
    kind: 'duration',
    default: '35d',
    describe: 'what passed is forgotten when it was not seen for so long; 0: never',
  },
  'max-waiting': {
    kind: 'count',
    default: '1000000',
    describe: 'how many triples may wait; beyond that, an old waiting one goes for each new one; 0: no bound',
  },
  'whitelist-clients': {
    kind: 'path',
    repeat: true,
    describe: "clients that are never deferred, a file in postgrey's format",
  },
  'whitelist-recipients': {
    kind: 'path',
    repeat: true,
    describe: "recipients whose mail is never deferred, a file in postgrey's format",
  },
  'only-recipients': {
    kind: 'path',
    repeat: true,
    describe: 'only the mail of these recipients is greylisted, a file in the same format',
  },
  'except-recipient': {
    kind: 'text',
    repeat: true,
    describe: 'a recipient whose mail is never deferred: NAME@DOMAIN, or NAME@ in any domain',
  },
  'role-accounts': { kind: 'flag', describe: 'mail to postmaster and abuse is never deferred' },
  header: { kind: 'flag', describe: 'a mail that was delayed gets a header, X-Greylist, that says so' },
  privacy: {
    kind: 'flag',
    describe: 'store no addresses but keyed hashes of them; the key stays in the directory of the database',
  },
  text: {
    kind: 'text',
    default: 'Service is unavailable',
    describe:
      'what the client is told with a deferral; %s: seconds left, %d: delay, %r: domain of the recipient, %%: a percent sign',
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
      'what a power cut may take: the last three to five seconds (later), or nothing that was answered (always)',
  },
  'time-limit': {
    kind: 'duration',
    default: '3500',
    describe: 'leave after this time, a little before spawn(8) would kill; 0: never',
  },
  log: {
    kind: 'log',
    default: 'stderr',
    describe:
      'where messages go: syslog, file:PATH, none, or stderr: standard error if that is a terminal or a file of its own, else (as under Postfix) syslog',
  },
  verbose: {
    kind: 'flag',
    alias: 'v',
    describe: 'log each attribute and each action',
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

/** The option of every command that prints facts. */
export const JSON_OUTPUT = { kind: 'flag', describe: 'the same facts for programs' } as const;
