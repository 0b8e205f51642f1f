// What the manual page says beyond the tables of options and commands. Text with **bold** and __italic__ in it; a list of
// terms is an array of pairs, and verbatim lines are `{ lines }`.
import { ARGV } from '../cli/service.ts';

export type Block =
  | string
  | readonly (readonly [term: string, text: string])[]
  | { lines: readonly string[] };

export const BRIEF = 'Postfix policy server that greylists';

export const DESCRIPTION: readonly Block[] = [
  "The **greylatch**(8) filter answers Postfix's policy requests with greylisting: mail from a client, sender and " +
    'recipient (a triple) that was never seen before is deferred, and passes when it comes back after a delay, as ' +
    'mail servers do and most spam programs do not. Mail of users that are logged in passes at once.',
  'It is run by **spawn**(8), one process for each **smtpd**(8) process that asks, and reads requests from ' +
    'standard input until that is closed. All processes share one database, an LMDB file.',
  'With a **COMMAND**, greylatch serves the administrator instead. All commands may be used while filters run.',
  'Mail always gets an answer: a database that is damaged is set aside and what can be read is saved; while none ' +
    'can be used, mail passes (see **--on-error**).',
];

export const OPTIONS_INTRO: readonly Block[] = [
  'Options go behind the path of the program in **master.cf**. A __TIME__ is a number of seconds, or a number with ' +
    '**s**, **m**, **h**, **d** or **w**, as **5m**; that of **--store-timeout** is written **100ms** or **1s**. In **master.cf** a ' +
    'value with spaces stands in braces: **--text { come back in %s seconds }**.',
];

export const CONFIGURATION: readonly Block[] = [
  'In **master.cf** (**user=** names the owner of the directory of the database; the process limit is 0, the column chroot **n**):',
  {
    lines: ['policy    unix  -       n       n       -       0       spawn', `  user=nobody ${ARGV}`],
  },
  'In **main.cf** (__NAME___time_limit belongs to the service __NAME__ of master.cf; spawn(8) would kill the filter ' +
    'after 1000s by default):',
  {
    lines: [
      'policy_time_limit = 3600s',
      'smtpd_recipient_restrictions =',
      '    permit_mynetworks',
      '    permit_sasl_authenticated',
      '    reject_unauth_destination',
      '    check_policy_service { unix:private/policy, default_action=DUNNO }',
    ],
  },
  'Always specify check_policy_service AFTER reject_unauth_destination, or else your system could become an open ' +
    'relay. **greylatch doctor** examines an installation.',
];

export const LISTS: readonly Block[] = [
  "The files of **--whitelist-clients** and the like are postgrey's: one entry a line, comments begin with #. Of clients, a verified name (with " +
    'its subdomains), an address, **192.168.1**, **10.0.0.0/8**, **2001:db8::/32**, or a __/regular expression/__ for the name. Of ' +
    'recipients, **name@**, **name@domain** (with any __+extension__), **domain** (with its subdomains), or a __/regular expression/__.',
  'A file is read again within a second of a change: write a new one and rename it. A line that cannot be understood is logged, and the ' +
    'rest holds; a file that vanishes keeps its last contents.',
  'Clients choose their names and, up to the domain, the recipients: a regular expression that repeats what repeats, as **/(a+.?)+@/**, ' +
    'gets its answer in time nevertheless. Not so one that also refers back (**\\1**), looks ahead or behind (**(?=**), or counts above 16: ' +
    'a name made for it may keep it busy for minutes, and that mail gets no answer.',
];

export const STORE: readonly Block[] = [
  'The URL of **--store** is one of these; **ca=**, **cert=** and **key=** behind a question mark name files for TLS. The password is ' +
    'never in it, but in **--store-password-file**. Sentinels and a Cluster with TLS have **rediss** in the place of **redis**.',
  {
    lines: [
      'redis://USER@HOST:PORT/DB',
      'rediss://HOST:PORT/DB (TLS)',
      'redis+unix:///PATH?db=DB',
      'redis+sentinel://HOST:PORT,HOST:PORT/NAME/DB',
      'redis+cluster://HOST:PORT,HOST:PORT',
    ],
  },
  'Give all hosts the same settings, and with **--privacy** the same **.secret** file; **greylatch doctor** compares what decides under which keys they store. While the engine is away, a host decides by its own database, and hands over later what it has decided.',
  "An engine keeps all times to the second. A database keeps a last pass to the hour, a client's last sight to the day and a long wait to " +
    'the minute; and no times of retries in the first seconds, while the triple is on its way into it.',
];

export const COMMANDS_INTRO: readonly Block[] = [
  '**greylatch --help** and **greylatch --version** print what they say; every command has **--help**, too. Unless it is said otherwise, exit status 2 stands for a wrong command line, or for a database, ' +
    'an engine (**--store**), a file or a standard output that cannot be used.',
];

export const FILTER_STATUS: readonly Block[] = [
  'Of the filter (those of the commands are told with each):',
  [
    ['**0**', 'End of input, the time limit, or a signal that ends it.'],
    [
      '**1**',
      'A request of an unknown type: no reply is sent, as SMTPD_POLICY_README asks. Or one that is too long, a reply that cannot be written, or, with ' +
        '**--on-error exit**, a database that cannot be used.',
    ],
    ['**2**', 'A wrong command line.'],
  ],
];

export const FILES: readonly Block[] = [
  [
    [
      '/var/mta/greylist.mdb',
      'The database, made with the first request (**--db**). It may be removed or renamed at any time.',
    ],
    ['/var/mta/greylist.mdb-lock', "LMDB's lock file beside it."],
    [
      '/var/mta/greylist.mdb-queue',
      'New triples on their way into the database. It may be removed together with it.',
    ],
    [
      '/var/mta/greylist.mdb.secret',
      'The key of **--privacy**: without it, nothing of what is on record can be recognised. Keep a copy.',
    ],
    [
      '/var/mta/greylist.mdb.fleet',
      'What this host decided by itself while the store of **--store** was away; it is handed over and removed when that is back. ' +
        'If it cannot be read it is renamed to **greylist.mdb.fleet.unreadable**.',
    ],
    [
      '/var/mta/greylist.mdb.tmp-__PID__, /var/mta/greylist.mdb.new-__PID__',
      'What that process is making, until it is whole. What a killed one has left is removed by a later one.',
    ],
    [
      '/var/mta/greylist.mdb.damaged-__TIME__',
      'What was found damaged and set aside. The newest three are kept; remove them when nothing is missing.',
    ],
    [
      '/var/mta/greylist.mdb.recovering',
      'A link that names the process that sets the database aside; the others wait for it. The next one takes away what a ' +
        'process that was killed has left.',
    ],
    [
      '/var/mta/greylist.mdb.saving',
      'A link that names the file that was set aside, and the process that saves what it holds. Another one goes on should that be ' +
        'killed, and removes it when all is saved.',
    ],
    [
      '/var/mta/greylist.mdb.before-restore-__TIME__',
      'What **greylatch restore** has replaced. All are kept; remove them when nothing is missing.',
    ],
    ['/etc/postfix/master.cf', 'Where the filter is run from, see **master**(5).'],
  ],
];

export const DIAGNOSTICS: readonly Block[] = [
  'Without **--log**, problems are logged to standard error if that is a terminal or a file of its own, and else, as under Postfix, to ' +
    '**syslogd**(8), facility **mail**, as **greylatch**. Trouble with ' +
    'the database is logged once a minute while it lasts; damage once, at level **crit**, with what was saved. That the ' +
    'store of **--store** is away is logged once by all filters of a host together, and again when it is back; what is wrong with it, ' +
    'where that shows only later, in a line between.',
];

export const SECURITY: readonly Block[] = [
  'The filter runs without privileges, as the user of its service; spawn(8) refuses root and the owner of the mail ' +
    'system, and takes supplementary groups away. It treats every attribute as hostile, and writes nothing but ' +
    'replies to the socket.',
  'A directory for the database that everybody may write to is refused: a file or a link could be put in place of ' +
    'the database. Give the service a user of its own where **nobody** runs other programs, too: those can read and spoil the database, ' +
    "and end the filters. Run by root, a command follows no link in such a user's directory, but trusts what is in the database: " +
    'if you do not, run commands as that user. Write no **backup** where everybody may write, as in **/tmp**.',
  'The database holds addresses of senders and recipients, and is closed to other users.',
];

export const STANDARDS: readonly Block[] = [
  'RFC 6647 (Email Greylisting: An Applicability Statement for SMTP)',
];

export const BUGS: readonly Block[] = [
  'A network file system cannot hold the database: LMDB needs memory that all processes share.',
  'With **--sync later**, a power cut may take what was answered in the last three to five seconds.',
  'A filter has up to five threads, nine with **--store**, and three more without **--v8-pool-size=1**. Where the limit on tasks of a ' +
    'service or container (TasksMax=, --pids-limit) leaves fewer to each process of smtpd(8), Node ends filters by SIGABRT, and mail gets its answer a second later; or Node ' +
    'hangs at its start, and mail waits until smtpd(8) gives up (smtpd_policy_service_timeout, 100 s).',
  'In a sandbox without **/dev/log**, nothing is logged unless **--log file:**__PATH__ is given.',
];

export const SEE_ALSO: readonly Block[] = [
  {
    lines: [
      'spawn(8), Postfix external command spawner',
      'smtpd(8), Postfix SMTP server',
      'access(5), actions of a policy server',
      'master(5), Postfix master.cf file syntax',
      'postconf(5), configuration parameters',
      'SMTPD_POLICY_README, Postfix policy servers',
    ],
  },
];

export const LICENSE: readonly Block[] = ['MIT'];
