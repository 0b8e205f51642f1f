// greylatch doctor at a real Postfix: silent where all is well, and each fault that is planted is found. Where the
// advice is a command, it is run, and the finding has to be gone. What is only a matter of judgement is in admin/doctor/judge.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../src/admin/doctor/finding.ts';
import { gather } from '../../src/admin/doctor/gather.ts';
import { judge } from '../../src/admin/doctor/judge.ts';
import { readConfiguration } from '../../src/admin/doctor/postconf.ts';
import { project } from '../support/project.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { copyFilter } from './copy.ts';
import { postfixSuite } from './needs.ts';
import { cool, type Place, type Postfix, withPostfix } from './postfix.ts';
import { call } from './smtp.ts';
import { serviceFor } from './snippet.ts';

const PROGRAM = path.join(project, 'bin/greylatch.js');
const MAIN = `
policy_time_limit = 3600s
smtpd_recipient_restrictions =
    permit_mynetworks
    reject_unauth_destination
    check_policy_service { unix:private/policy, default_action=DUNNO }
`;

/** What is changed in which place, and what has to be found then. */
interface Fault {
  plant(place: Planted): void;
  /** For what lies outside the files that are put back after each. */
  undo?(place: Place): void;
  check: string;
  severity: Finding['severity'];
  what: RegExp;
  where?: RegExp;
  /** The advice is a command, which mends it. */
  mends?: true;
}

interface Planted extends Place {
  postconf(...words: string[]): void;
  /** Replaces text in master.cf, which has to be there. */
  master(from: string | RegExp, to: string): void;
  /** Puts text behind the end of master.cf's last line, which is the filter's. */
  append(text: string): void;
  db: string;
}

const list = (...steps: string[]) => `smtpd_recipient_restrictions=${steps.join(', ')}`;
const ASK = 'check_policy_service { unix:private/policy, default_action=DUNNO }';
const OURS = ['permit_mynetworks', 'reject_unauth_destination'];

const FAULTS: Record<string, Fault> = {
  'the filter is not in master.cf': {
    plant: ({ master }) => master(/^policy .*\n.*\n/m, ''),
    check: 'entry',
    severity: 'error',
    what: /no service runs greylatch/,
  },
  'Node is not where argv says': {
    plant: ({ master }) => master(/argv=\S+/, 'argv=/nonexistent/node'),
    check: 'node',
    severity: 'error',
    what: /\/nonexistent\/node does not exist/,
  },
  'a blank behind argv=': {
    plant: ({ master }) => master('argv=', 'argv= '),
    check: 'node',
    severity: 'error',
    what: /a blank follows argv=/,
  },
  'Node is something else': {
    plant: ({ master, logs }) => {
      writeFileSync(`${logs}/node`, '#!/bin/sh\necho v18.20.4\n', { mode: 0o755 });
      master(/argv=\S+/, `argv=${logs}/node`);
    },
    check: 'node',
    severity: 'error',
    what: /is Node 18\.20\.4; greylatch needs 20/,
  },
  'the program is not where argv says': {
    plant: ({ master }) => master(/ \S+greylatch\.js/, ' /nonexistent/greylatch'),
    check: 'script',
    severity: 'error',
    what: /\/nonexistent\/greylatch does not exist/,
  },
  'the program is closed to the user': {
    plant: ({ master, directory }) => {
      mkdirSync(`${directory}/closed`, { mode: 0o700 });
      writeFileSync(`${directory}/closed/greylatch`, '');
      master(/ \S+greylatch\.js/, ` ${directory}/closed/greylatch`);
    },
    check: 'script',
    severity: 'error',
    what: /nobody may not search \S+\/closed \(mode 0700, owner root\)/,
  },
  'the program has lost its libraries': {
    plant: ({ master, directory }) => {
      mkdirSync(`${directory}/lonely`);
      writeFileSync(`${directory}/lonely/greylatch`, "require('./gone.js');\n");
      master(/ \S+greylatch\.js/, ` ${directory}/lonely/greylatch`);
    },
    check: 'start',
    severity: 'error',
    what: /does not start: Error: Cannot find module/,
  },
  'an option is wrong': {
    plant: ({ append }) => append(' --delay soon'),
    check: 'options',
    severity: 'error',
    what: /--delay soon: not a time/,
  },
  'the user does not exist': {
    plant: ({ master }) => master('user=nobody', 'user=greylatch-nobody'),
    check: 'user',
    severity: 'error',
    what: /does not exist/,
  },
  'the user is the mail owner': {
    plant: ({ master }) => master('user=nobody', 'user=postfix'),
    check: 'user',
    severity: 'error',
    what: /owner of the mail system/,
  },
  'the group is the mail owner’s': {
    plant: ({ master }) => master('user=nobody', 'user=nobody:postfix'),
    check: 'user',
    severity: 'error',
    what: /group of user=nobody is that of postfix/,
  },
  'another service has the same user': {
    plant: ({ append }) => append('\nother unix - n n - - pipe\n  user=nobody argv=/bin/true\n'),
    check: 'shared-user',
    severity: 'note',
    what: /nobody also runs the service other\/unix/,
  },
  "spawn(8)'s time limit is the default": {
    plant: ({ postconf }) => postconf('-X', 'policy_time_limit'),
    check: 'time-limit',
    severity: 'warning',
    what: /kills the filter after 1000 s/,
    mends: true,
  },
  'the service has a time limit of its own': {
    plant: ({ postconf }) => postconf('-P', 'policy/unix/policy_time_limit=5m'),
    check: 'time-limit',
    severity: 'warning',
    where: /^master\.cf: policy\/unix -o policy_time_limit$/,
    what: /kills the filter after 300 s/,
    mends: true,
  },
  'there may be fewer filters than smtpd processes': {
    plant: ({ postconf }) => postconf('-F', 'policy/unix/process_limit=10'),
    check: 'process-limit',
    severity: 'warning',
    what: /at most 10 filters for \d+ processes/,
    mends: true,
  },
  'the filter is in the chroot': {
    plant: ({ postconf }) => postconf('-F', 'policy/unix/chroot=y'),
    check: 'chroot',
    severity: 'error',
    what: /chroot is not "n"/,
    mends: true,
  },
  'spawn(8) may not change users': {
    plant: ({ postconf }) => postconf('-F', 'policy/unix/unprivileged=-'),
    check: 'unprivileged',
    severity: 'error',
    what: /unpriv is not "n"/,
    mends: true,
  },
  'the socket is a public one': {
    plant: ({ postconf }) => postconf('-F', 'policy/unix/private=n'),
    check: 'endpoint',
    severity: 'error',
    what: /unix:private\/policy: no service of master\.cf listens there/,
  },
  'before reject_unauth_destination': {
    plant: ({ postconf }) => postconf('-e', list('permit_mynetworks', ASK, 'reject_unauth_destination')),
    check: 'open-relay',
    severity: 'error',
    where: /^main\.cf: smtpd_recipient_restrictions$/,
    what: /stands before reject_unauth_destination/,
  },
  'what used to greylist is gone': {
    plant: ({ postconf }) => postconf('-e', list(...OURS, 'check_policy_service inet:127.0.0.1:9', ASK)),
    check: 'endpoint',
    severity: 'error',
    what: /inet:127\.0\.0\.1:9: nobody listens there/,
  },
  'users hand in mail': {
    plant: ({ append }) => append('\nsubmission inet n - n - - smtpd\n'),
    check: 'submission',
    severity: 'note',
    what: /submission is where users hand in mail/,
  },
  'a restriction is misspelt': {
    plant: ({ postconf }) => postconf('-e', list('permit_my_networks', 'reject_unauth_destination', ASK)),
    check: 'restriction',
    severity: 'error',
    what: /"permit_my_networks" is no restriction/,
  },
  'settings outside of the braces': {
    plant: ({ postconf }) =>
      postconf('-e', list(...OURS, 'check_policy_service unix:private/policy', 'default_action=DUNNO')),
    check: 'restriction',
    severity: 'error',
    what: /"default_action=dunno" stands outside of \{ \}/,
  },
  'the line stands there twice': {
    plant: ({ append, directory }) => {
      const text = readFileSync(`${directory}/config/master.cf`, 'utf8');
      append(`\n${text.slice(text.search(/^policy /m))}`);
    },
    check: 'twice',
    severity: 'warning',
    what: /2 times: master\(8\) uses the last one/,
  },
  'pipe(8) in place of spawn(8)': {
    plant: ({ master }) => master(/ spawn$/m, ' pipe'),
    check: 'entry',
    severity: 'error',
    what: /it runs pipe\(8\), not spawn\(8\)/,
  },
  'a short timeout': {
    plant: ({ postconf }) => postconf('-e', 'smtpd_policy_service_timeout=1s'),
    check: 'client',
    severity: 'note',
    what: /^1s: /,
    mends: true,
  },
  'smtpd keeps its connections longer than filters live': {
    plant: ({ postconf }) => postconf('-e', 'smtpd_policy_service_max_idle=2h'),
    check: 'client',
    severity: 'note',
    what: /keeps a connection for 7200 s/,
    mends: true,
  },
  'a typing error in main.cf': {
    plant: ({ postconf }) => postconf('-e', 'polcy_time_limit=3600s'),
    check: 'postconf',
    severity: 'note',
    what: /unused parameter: polcy_time_limit/,
  },
  'no directory for the database': {
    plant: ({ mta }) => renameSync(mta, `${mta}.gone`),
    check: 'directory',
    severity: 'error',
    what: /does not exist/,
    mends: true,
  },
  'the directory belongs to root': {
    plant: ({ mta }) => chownSync(mta, 0, 0),
    check: 'directory',
    severity: 'error',
    what: /nobody may not write \S+\/mta \(mode 0700, owner root\)/,
    mends: true,
  },
  'everybody may write in the directory': {
    plant: ({ mta }) => chmodSync(mta, 0o777),
    check: 'world-writable',
    severity: 'error',
    what: /writable by everybody/,
    mends: true,
  },
  'a directory above is closed': {
    plant: ({ directory }) => chmodSync(directory, 0o700),
    check: 'directory',
    severity: 'error',
    what: /nobody may not search \S+ \(mode 0700, owner root\)/,
    mends: true,
  },
  'the database is a link': {
    plant: ({ db }) => {
      renameSync(db, `${db}.real`);
      symlinkSync(`${db}.real`, db);
    },
    check: 'link',
    severity: 'error',
    what: /symbolic link/,
  },
  'root made the database': {
    plant: ({ db }) => chownSync(db, 0, 0),
    check: 'file',
    severity: 'error',
    what: /nobody may not read \S+\/greylist\.mdb/,
    mends: true,
  },
  'root made the lock': {
    plant: ({ db }) => chownSync(`${db}-lock`, 0, 0),
    check: 'file',
    severity: 'error',
    what: /nobody may not read \S+\/greylist\.mdb-lock/,
    mends: true,
  },
  'root made the queue': {
    plant: ({ db }) => chownSync(`${db}-queue`, 0, 0),
    check: 'file',
    severity: 'warning',
    what: /slower: the user nobody may not read \S+\/greylist\.mdb-queue/,
    mends: true,
  },
  'root made the key of --privacy': {
    plant({ db, append }) {
      writeFileSync(`${db}.secret`, Buffer.alloc(32, 1), { mode: 0o600 });
      append(' --privacy');
    },
    check: 'key',
    severity: 'error',
    what: /mail gets what --on-error says: the user nobody may not read \S+\.secret/,
    mends: true,
  },
  'the database is damaged': {
    plant: ({ db }) => truncateSync(db, 100),
    check: 'damage',
    severity: 'error',
    what: /saves what can be read/,
  },
  'the database was damaged before': {
    plant({ db }) {
      writeFileSync(`${db}.damaged-20260101T000000Z`, '');
      writeFileSync(`${db}.damaged-$(anything)\x1b[8m`, ''); // by somebody who hopes that root types what is advised
    },
    check: 'aside',
    severity: 'note',
    what: /before: greylist\.mdb\.damaged-20260101T000000Z \(/,
  },
  'a compact was killed': {
    plant: ({ db }) => writeFileSync(`${db}.new-${2 ** 30}`, ''),
    check: 'litter',
    severity: 'note',
    what: /next one of its kind removes/,
  },
  'the log cannot be written': {
    plant: ({ logs }) => {
      chownSync(logs, 0, 0);
      chmodSync(logs, 0o755);
      rmSync(`${logs}/filter.log`, { force: true });
    },
    check: 'log',
    severity: 'warning',
    what: /nothing is logged: the user nobody may not/,
    mends: true,
  },
  'the socket is gone': {
    plant: ({ directory }) =>
      renameSync(`${directory}/queue/private/policy`, `${directory}/queue/private/gone`),
    undo: ({ directory }) =>
      renameSync(`${directory}/queue/private/gone`, `${directory}/queue/private/policy`),
    check: 'socket',
    severity: 'error',
    what: /does not listen/,
  },
  'everybody may reach the socket': {
    plant: ({ directory }) => chmodSync(`${directory}/queue/private`, 0o711),
    undo: ({ directory }) => chmodSync(`${directory}/queue/private`, 0o700),
    check: 'socket',
    severity: 'warning',
    what: /every user of this machine/,
  },
};

postfixSuite('greylatch doctor', () => {
  const scratch = useScratch('of all', 'greylatch-copy-');
  let program = '';
  const service = ({ mta, logs }: Place) =>
    serviceFor([
      process.execPath,
      program,
      ...['--db', `${mta}/greylist.mdb`, '--log', `file:${logs}/filter.log`, '--text', '{ Come back later }'],
    ]);

  let postfix: Postfix;
  let config = '';
  let kept: { restore(): void };
  let release = () => {};
  let over: Promise<void> = Promise.resolve();

  // One Postfix for all: its configuration is read anew by every doctor, and put back after each.
  beforeAll(async () => {
    chmodSync(scratch.path, 0o755);
    program = copyFilter(path.join(scratch.path, 'greylatch'));
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    postfix = await new Promise<Postfix>((resolve, reject) => {
      over = withPostfix({ master: service, main: MAIN }, async (started) => {
        resolve(started);
        await held;
      });
      over.catch(reject);
    });
    config = path.join(postfix.directory, 'config');
  });
  afterEach(() => kept?.restore());
  afterAll(async () => {
    release();
    await over;
  });

  const findings = () => {
    cool(config);
    return judge(gather(readConfiguration(config), undefined));
  };

  /** What is not as it should be; who else runs as nobody is this machine's affair. */
  const amiss = (all: Finding[]) =>
    all.filter(({ severity, check }) => severity !== 'ok' && check !== 'shared-user');

  const command = (...words: string[]) => {
    if (existsSync(config)) cool(config);
    return spawnSync(process.execPath, [PROGRAM, 'doctor', '--config-dir', config, ...words], {
      encoding: 'utf8',
    });
  };

  test('all is well before the first mail and after it', async () => {
    expect(amiss(findings())).toEqual([]);
    const session = await call(postfix.port, { address: '192.0.2.1' });
    await session.mail('ann@example.com');
    expect(await session.rcpt('bob@example.org')).toMatchObject({ code: 450 });
    await session.quit();
    // It is made a moment after the reply.
    await until(async () => existsSync(`${postfix.mta}/greylist.mdb`));
    kept = copyOf(postfix.directory);
    const { status, stdout, stderr } = command('--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const report = JSON.parse(stdout) as { well: boolean; findings: Finding[] };
    expect(amiss(report.findings)).toEqual([]);
    expect(report.well).toBe(true);
    const checks = report.findings.map(({ check }) => check);
    expect(checks).toEqual(expect.arrayContaining(['program', 'service', 'position', 'database', 'log']));
  });

  /** Plants the fault, which has to be found once. Returns the advice. */
  function find(fault: Fault): string | undefined {
    fault.plant(planted(postfix));
    const report = findings();
    fault.undo?.(postfix);
    const [found, ...more] = report.filter((finding) => isOf(fault, finding));
    expect({ report, found }).toMatchObject({ found: { check: fault.check } });
    expect(more).toEqual([]);
    return found?.mend;
  }

  const mendable = ([, { mends }]: [string, Fault]) => mends === true;

  test.each(Object.entries(FAULTS).filter((fault) => !mendable(fault)))('%s: found', (_, fault) => {
    find(fault);
  });

  test.each(Object.entries(FAULTS).filter(mendable))('%s: found, and mended by the advice', (_, fault) => {
    const mend = find(fault);
    expect(mend).toMatch(/^(postconf|chown|chmod|mkdir|touch) /);
    execFileSync('sh', ['-c', mend!], { stdio: 'pipe' });
    expect(findings().filter((finding) => isOf(fault, finding))).toEqual([]);
  });

  test('one who is not root is told so, and of nothing that he only cannot see', () => {
    const words = [
      path.join(path.dirname(program), 'greylatch.js'),
      'doctor',
      '--config-dir',
      config,
      '--json',
    ];
    const run = spawnSync(process.execPath, words, { encoding: 'utf8', uid: 12_345, gid: 12_345, cwd: '/' });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const { findings: all } = JSON.parse(run.stdout) as { findings: Finding[] };
    expect(amiss(all)).toMatchObject([{ severity: 'note', check: 'root' }]);
  });

  test('the engine that a service shares with other hosts is examined as well', () => {
    planted(postfix).append(' --store redis://127.0.0.1:1');
    const { status, stdout } = command('--json');
    expect(status).toBe(1);
    expect(amiss((JSON.parse(stdout) as { findings: Finding[] }).findings)).toEqual([
      {
        severity: 'error',
        check: 'store',
        where: '127.0.0.1:1',
        what: expect.stringMatching(/nobody listens there/),
        mend: 'try it from this host: redis-cli -h 127.0.0.1 -p 1 PING',
      },
    ]);
    kept.restore();
    planted(postfix).append(' --store http://example.org');
    const wrong = JSON.parse(command('--json').stdout) as { findings: Finding[] };
    expect(amiss(wrong.findings)).toMatchObject([
      { check: 'store', what: expect.stringMatching(/the filter ends at once: .*not the address/) },
    ]);
  });

  test('the exit status and the text for people', () => {
    planted(postfix).postconf('-X', 'policy_time_limit');
    const { status, stdout } = command();
    expect(status).toBe(1);
    expect(stdout).toContain(`Postfix `);
    expect(stdout).toMatch(
      /^warning {2}main\.cf: policy_time_limit\n {9}spawn\(8\) kills .*\n {9}mend: postconf /m,
    );
    expect(stdout).toMatch(/^To be mended: 0 errors, 1 warning, \d notes?$/m);
    expect(stdout).not.toContain('\x1b');
    appendFileSync(path.join(config, 'main.cf'), 'check_policy_service unix:private/policy\n');
    expect(command()).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/main\.cf, line \d+: .*begins with a blank/),
    });
    config = '/nonexistent';
    expect(command()).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^greylatch: .*--config-dir\n$/),
    });
    config = path.join(postfix.directory, 'config');
  });

  const isOf = ({ check, severity, what, where }: Fault, finding: Finding) =>
    finding.check === check &&
    finding.severity === severity &&
    what.test(finding.what) &&
    (where?.test(finding.where) ?? true);

  function planted(place: Place): Planted {
    const config = path.join(place.directory, 'config');
    const master = path.join(config, 'master.cf');
    return {
      ...place,
      db: `${place.mta}/greylist.mdb`,
      postconf: (...words) => void execFileSync('postconf', ['-c', config, ...words], { stdio: 'pipe' }),
      master: (from, to) => {
        const text = readFileSync(master, 'utf8');
        const changed = text.replace(from, () => to);
        if (changed === text) throw new Error(`master.cf has no ${from}`);
        writeFileSync(master, changed);
      },
      append: (text) => writeFileSync(master, `${readFileSync(master, 'utf8').trimEnd()}${text}\n`),
    };
  }

  /** The two files and everything of the filter's, with owners and modes. */
  function copyOf(directory: string): { restore(): void } {
    const copy = path.join(scratch.path, 'kept');
    const parts = ['config', 'mta', 'logs'];
    mkdirSync(copy);
    for (const part of parts) execFileSync('cp', ['-a', path.join(directory, part), copy]);
    return {
      restore() {
        chmodSync(directory, 0o755);
        for (const part of parts) {
          rmSync(path.join(directory, part), { recursive: true });
          execFileSync('cp', ['-a', path.join(copy, part), directory]);
        }
      },
    };
  }
});
