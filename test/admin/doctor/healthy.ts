// An installation where all is well, as facts; a test changes what it wants to be wrong, and looks what is found.
import { expect } from 'vitest';
import type { Database } from '../../../src/admin/doctor/database.ts';
import type { Finding } from '../../../src/admin/doctor/finding.ts';
import type { Entry, Facts } from '../../../src/admin/doctor/gather.ts';
import { judge } from '../../../src/admin/doctor/judge.ts';
import type { Inode, Place, User } from '../../../src/admin/doctor/permissions.ts';
import { type Configuration, parseParameters, parseServices } from '../../../src/admin/doctor/postconf.ts';
import { questionsOf } from '../../../src/admin/doctor/restrictions.ts';
import { readInvocation } from '../../../src/admin/doctor/spawn.ts';

export const NOBODY: User = { name: 'nobody', uid: 65534, gid: 65534 };
const POSTFIX: User = { name: 'postfix', uid: 102, gid: 105 };

export const ENTRIES = `
smtp       inet  n       -       y       -       -       smtpd
policy     unix  -       n       n       -       0       spawn user=nobody argv=/usr/bin/node /usr/local/bin/greylatch
`;

const PARAMETERS = `
mail_version = 3.7.11
compatibility_level = 3.6
config_directory = /etc/postfix
queue_directory = /var/spool/postfix
mail_owner = postfix
setgid_group = postdrop
default_process_limit = 100
inet_interfaces = all
maillog_file =
mynetworks = 127.0.0.0/8
command_time_limit = 1000s
policy_time_limit = 3600s
smtpd_delay_reject = yes
smtpd_relay_before_recipient_restrictions = yes
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks reject_unauth_destination check_policy_service { unix:private/policy, default_action=DUNNO }
smtpd_policy_service_default_action = 451 4.3.5 Server configuration problem
smtpd_policy_service_max_idle = 300s
smtpd_policy_service_max_ttl = 1000s
smtpd_policy_service_request_limit = 0
smtpd_policy_service_retry_delay = 1s
smtpd_policy_service_timeout = 100s
smtpd_policy_service_try_limit = 2
`;

export function inode(path: string, mode: number, uid: number, kind: Inode['kind'] = 'directory'): Inode {
  return { path, kind, mode, uid, gid: uid, owner: uid === 0 ? 'root' : String(uid) };
}

export function place(path: string, self: Inode | undefined, ...parents: Inode[]): Place {
  return { path, self, parents: [inode('/', 0o755, 0), ...parents], reason: self ? undefined : 'ENOENT' };
}

export const DATABASE: Database = {
  path: '/var/mta/greylist.mdb',
  isLink: false,
  directory: place('/var/mta', inode('/var/mta', 0o700, NOBODY.uid), inode('/var', 0o755, 0)),
  file: place('/var/mta/greylist.mdb', inode('/var/mta/greylist.mdb', 0o600, NOBODY.uid, 'file')),
  lock: place('/var/mta/greylist.mdb-lock', inode('/var/mta/greylist.mdb-lock', 0o600, NOBODY.uid, 'file')),
  queue: place(
    '/var/mta/greylist.mdb-queue',
    inode('/var/mta/greylist.mdb-queue', 0o600, NOBODY.uid, 'file'),
  ),
  key: undefined,
  looked: true,
  place: '',
  damage: '',
  aside: [],
  litter: [],
  shared: false,
  mount: { point: '/', type: 'ext4', readOnly: false },
  space: { free: 2 ** 34, size: 2 ** 36, inodes: 1e6, freeInodes: 9e5 },
};

export const COMPILED = '/usr/local/lib/node_modules/greylatch/dist/main.js-v20.20.2-x64';

export interface Wrong {
  /** Lines that replace those of the same parameter. */
  parameters?: string;
  /** master.cf in place of the healthy one, and `postconf -P`. */
  entries?: string;
  overrides?: string;
  facts?: Partial<Facts>;
  entry?: Partial<Entry>;
}

export function facts({
  parameters = '',
  entries = ENTRIES,
  overrides = '',
  facts: other,
  entry,
}: Wrong = {}): Facts {
  const configuration: Configuration = {
    directory: '/etc/postfix',
    option: '',
    version: '',
    parameters: { ...parseParameters(PARAMETERS), ...parseParameters(parameters) },
    services: parseServices(entries, overrides),
    remarks: [],
  };
  configuration.version = configuration.parameters.mail_version!;
  const socket = '/var/spool/postfix/private/policy';
  return {
    configuration,
    root: true,
    running: true,
    mailOwner: POSTFIX,
    setgidGroup: 108,
    questions: questionsOf(configuration.services, configuration.parameters),
    sockets: {
      [socket]: place(
        socket,
        inode(socket, 0o666, POSTFIX.uid, 'socket'),
        inode('/var/spool/postfix', 0o755, 0),
        inode('/var/spool/postfix/private', 0o700, POSTFIX.uid),
      ),
    },
    addons: { lmdb: '', syslog: '' },
    devLog: place('/dev/log', inode('/dev/log', 0o666, 0, 'socket')),
    entries: configuration.services.flatMap((service) => {
      const invocation = readInvocation(service, (word) => word);
      if (invocation === undefined) return [];
      return [
        {
          ...invocation,
          name: `${service.name}/${service.type}`,
          account: NOBODY,
          others: [],
          nodePlace: place('/usr/bin/node', inode('/usr/bin/node', 0o755, 0, 'file')),
          scriptPlace: place('/usr/local/bin/greylatch', inode('/usr/local/bin/greylatch', 0o755, 0, 'file')),
          nodeRun: { status: 0, out: 'v20.20.2', error: '' },
          compiled: place(COMPILED, inode(COMPILED, 0o644, 0, 'file')),
          run: { status: 0, out: '0.1.0', error: '' },
          database: DATABASE,
          log: undefined,
          lists: [],
          ...entry,
        },
      ];
    }),
    mistyped: [],
    stale: [],
    ports: new Set([25]),
    unknown: [],
    database: undefined,
    ...other,
  };
}

export const amiss = (wrong?: Wrong) => judge(facts(wrong)).filter(({ severity }) => severity !== 'ok');

/** The one finding that there is. */
export function only(wrong: Wrong): Finding {
  const found = amiss(wrong);
  expect(found).toHaveLength(1);
  return found[0]!;
}

// Lines of main.cf.
export const ASK = 'check_policy_service { unix:private/policy, default_action=DUNNO }';
export const recipient = (...steps: string[]) => `smtpd_recipient_restrictions = ${steps.join(' ')}`;
export const NO_RELAY = 'smtpd_relay_restrictions =';

/** A line of master.cf, as Postfix reads it. */
export const serviceOf = (line: string) => parseServices(line, '')[0]!;
