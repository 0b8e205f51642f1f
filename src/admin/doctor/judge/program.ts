// What argv= names: Node, greylatch, its options; and the account that they run under. Facts in, findings out.
import path from 'node:path';
import { ARGV } from '../../../cli/service.ts';
import { type Finding, finding, orOk } from '../finding.ts';
import type { Entry, Facts } from '../gather.ts';
import { closedTo, denied } from '../permissions.ts';
import { andReload } from '../postconf.ts';

const OLDEST_NODE = 20;
const INSTALL = 'npm install -g --prefix /usr/local greylatch';

export function judgeProgram(facts: Facts, entry: Entry): Finding[] {
  const user = judgeUser(facts, entry);
  const options = judgeOptions(entry);
  const account = entry.account;
  // Without knowing the user, the rest cannot be tried.
  const program = account === undefined || account.uid === 0 ? [] : judgeStart(entry);
  const where = `master.cf: ${entry.name}`;
  const what = `greylatch ${entry.run?.out} starts on Node ${entry.nodeRun?.out.replace('v', '')} as ${account?.name}`;
  const start = program.length === 0 ? judgeCompiled(entry) : [];
  return orOk([...user, ...options, ...program, ...start], 'program', where, what);
}

/** npm 12 runs no package's install script unless it is told to, and an upgrade of Node runs none. */
function judgeCompiled({ name, account, nodePlace, nodeRun, compiled }: Entry): Finding[] {
  if (compiled === undefined) return [];
  const refused = compiled.self === undefined ? '' : denied(account, compiled, 'read');
  if (compiled.reason !== 'ENOENT' && refused === '') return [];
  const version = nodeRun?.out.replace('v', '');
  const why =
    refused === '' ? `nothing that Node ${version} has compiled is kept` : `what is compiled: ${refused}`;
  const mend = `${nodePlace?.path} ${path.join(path.dirname(compiled.path), '../bin/precompile.js')}`;
  return [
    finding('note', 'compiled', `master.cf: ${name}`, `${why}: each filter starts a fifth slower`, mend),
  ];
}

/** What spawn(8) refuses (get_service_attr in its sources). */
function judgeUser({ configuration, mailOwner, setgidGroup }: Facts, entry: Entry): Finding[] {
  const { name, user, group, account, unknown, others, database } = entry;
  const where = `master.cf: ${name}`;
  const owner = configuration.parameters.mail_owner;
  const refused = (what: string) => {
    const change = 'write user=nobody, or a user of its own, before argv= in master.cf';
    const mend = andReload(configuration, change);
    return [finding('error', 'user', where, `${what}: spawn(8) refuses to run the filter`, mend)];
  };
  if (unknown !== undefined) return refused(`"${unknown}" is neither user= nor argv=`);
  if (user === '') return refused('user= is missing');
  if (account === undefined) return refused(`user=${user}${group && `:${group}`} does not exist`);
  if (account.uid === 0) return refused(`user=${user} is root`);
  if (account.uid === mailOwner?.uid)
    return refused(`user=${user} is the owner of the mail system (${owner})`);
  if (account.gid === 0) return refused(`the group of user=${user} is root's`);
  if (account.gid === mailOwner?.gid) return refused(`the group of user=${user} is that of ${owner}`);
  if (account.gid === setgidGroup)
    return refused(`the group of user=${user} is ${configuration.parameters.setgid_group}`);
  if (others.length === 0) return [];
  const most = 5;
  // What is not to be given away is found when the user has changed.
  const own = database !== undefined && !database.shared && database.directory.self !== undefined;
  const give = own ? ` && chown -R greylatch ${database.directory.path}` : '';
  const more = others.length > most ? ` and ${others.length - most} more` : '';
  const what = `${user} also runs ${others.slice(0, most).join(', ')}${more}: they could change the database`;
  const mend = `a user of its own: useradd --system --shell /usr/sbin/nologin greylatch${give}, and user=greylatch in master.cf`;
  return [finding('note', 'shared-user', where, what, mend)];
}

function judgeOptions({ name, usage }: Entry): Finding[] {
  if (usage === undefined) return [];
  const mend =
    'correct the words behind the path of greylatch in argv=; greylatch --help lists the options (a value with blanks stands in braces, --text { ... }, not in quotes)';
  return [finding('error', 'options', `master.cf: ${name}`, `the filter ends at once: ${usage}`, mend)];
}

/** The first thing that keeps the filter from starting. */
function judgeStart(entry: Entry): Finding[] {
  return [...judgeNode(entry), ...judgeScript(entry), ...judgeRun(entry)].slice(0, 1);
}

function error({ name }: Entry, check: string, what: string, mend: string): Finding[] {
  return [finding('error', check, `master.cf: ${name}`, what, mend)];
}

function judgeNode(entry: Entry): Finding[] {
  const { node, script, account, nodePlace, nodeRun, program } = entry;
  const wrong = (what: string, mend: string) => error(entry, 'node', what, mend);
  if (program[0] === '')
    return wrong('a blank follows argv=, so that spawn(8) finds no command', `in master.cf: ${ARGV}`);
  if (nodePlace === undefined) {
    const what = `${script} needs node in the PATH, but spawn(8) sets that to the system's directories only`;
    return wrong(what, `in master.cf: argv=${process.execPath} ${script} (see "command -v node")`);
  }
  const refused = denied(account, nodePlace, 'run');
  if (refused !== '') {
    const mend = `in master.cf, instead of ${node ?? nodePlace.path}: the path that "command -v node" gives; it has to be one that everybody may run`;
    return wrong(`Node cannot be run: ${refused}`, mend);
  }
  const major = Number(/^v(\d+)\./.exec(nodeRun?.out ?? '')?.[1] ?? Number.NaN);
  if (major >= OLDEST_NODE) return [];
  const is = Number.isNaN(major)
    ? `is no Node that runs (${nodeRun?.error || nodeRun?.out})`
    : `is Node ${nodeRun?.out.replace('v', '')}`;
  const what = `${nodePlace.path} ${is}; greylatch needs ${OLDEST_NODE} or later`;
  return wrong(what, `install Node ${OLDEST_NODE} or later and name it in argv=`);
}

function judgeScript(entry: Entry): Finding[] {
  const { node, account, scriptPlace } = entry;
  const refused =
    node === undefined ? denied(account, scriptPlace, 'read', 'run') : denied(account, scriptPlace, 'read');
  if (refused === '') return [];
  const mend =
    scriptPlace.reason === 'ENOENT'
      ? `${INSTALL}, and its path (command -v greylatch) in argv=`
      : opened(closedTo(account, scriptPlace)?.path ?? scriptPlace.self?.path ?? scriptPlace.path);
  return error(entry, 'script', `greylatch cannot be read: ${refused}`, mend);
}

function judgeRun(entry: Entry): Finding[] {
  const { account, run, program, node, script } = entry;
  if (run?.status === 0) return [];
  const what = `greylatch does not start: ${run?.error || `status ${run?.status}`}`;
  if (node !== undefined && run?.error.startsWith('SyntaxError')) {
    const mend = `if ${script} is a script for the shell, as pnpm makes one, name in argv= what that starts: .../node_modules/greylatch/bin/greylatch.js; if not, install greylatch again`;
    return error(entry, 'start', what, mend);
  }
  const mend = `try it: su -s /bin/sh ${account?.name} -c "${program.join(' ')} --version"; reinstalling often helps: ${INSTALL}`;
  return error(entry, 'start', what, mend);
}

/** How `closed`, on the way to greylatch, is opened: what npm made, root's umask had closed. A home, say, stays closed. */
function opened(closed: string): string {
  const modules = /^(.*\/node_modules)(?:\/greylatch(?:\/|$)|$)/.exec(closed)?.[1];
  return modules === undefined
    ? `install it where everybody may read: ${INSTALL}, and ${ARGV}`
    : `chmod a+x ${modules} && chmod -R a+rX ${modules}/greylatch`;
}
