// All judgements, in the order in which to mend things. Facts in, findings out.
import { ARGV } from '../../cli/service.ts';
import { type Finding, finding, once } from './finding.ts';
import type { Entry, Facts } from './gather.ts';
import { judgeDatabase } from './judge/database.ts';
import { judgeLists } from './judge/lists.ts';
import { judgeLog } from './judge/log.ts';
import { judgeProgram } from './judge/program.ts';
import { judgeQuestions } from './judge/questions.ts';
import { judgeService } from './judge/service.ts';
import { andReload, nameOf, type Service } from './postconf.ts';
import { isGreylatch, unknownIn } from './spawn.ts';

export function judge(facts: Facts): Finding[] {
  const { configuration, entries, root, database } = facts;
  const found: Finding[] = [];
  if (!root) {
    const what = 'only root sees everything: what is closed to you was not examined';
    found.push(finding('note', 'root', 'greylatch doctor', what, 'sudo greylatch doctor'));
  }
  if (entries.length === 0) found.push(judgeAbsence(facts));
  if (entries.length > 1) {
    const what = `${entries.length} services run greylatch: ${entries.map(({ name }) => name).join(', ')}`;
    found.push(finding('note', 'entry', 'master.cf', what));
  }
  if (facts.addons.lmdb !== '') {
    const what = `${facts.addons.lmdb}; without it filters soon answer --on-error only`;
    const mend = 'npm install -g --prefix /usr/local --include=optional greylatch';
    found.push(finding('error', 'lmdb', 'greylatch', what, mend));
  }
  for (const { name, service } of entries.filter(({ service }) => service.lines > 1)) {
    const what = `stands there ${service.lines} times: master(8) uses the last one`;
    found.push(finding('warning', 'twice', `master.cf: ${name}`, what, 'take out the others'));
  }
  for (const entry of entries) {
    found.push(...judgeProgram(facts, entry), ...judgeService(facts, entry));
  }
  found.push(...judgeQuestions(facts));
  for (const entry of entries) {
    const rival = rivalOf(entry, entries);
    // The advice for its own user would lock out the other.
    if (rival !== undefined) found.push(judgeRivals(entry, rival));
    else if (entry.database !== undefined) found.push(...judgeDatabase(entry.database, entry.account));
    found.push(...judgeLog(facts, entry), ...judgeLists(entry));
  }
  if (database !== undefined) found.push(...judgeDatabase(database, undefined));
  found.push(...configuration.remarks.map((remark) => judgeRemark(remark, configuration)));
  return once(found);
}

/**
 * What postconf remarks. Each program of Postfix logs that an entry is overridden when it starts, and postlogd(8) logs it to its own
 * socket: where that is full, it waits for itself, and everything else for it (Postfix 3.7, a reload with 60 sessions).
 */
function judgeRemark(remark: string, { directory, parameters, option }: Facts['configuration']): Finding {
  const what = `postconf: ${remark}`;
  if (!parameters.maillog_file || !remark.includes('overriding earlier entry'))
    return finding('note', 'postconf', directory, what);
  const danger =
    'with maillog_file all mail can stand still for that, at a reload under load, until Postfix is killed';
  const mend = `take one of the two lines out of main.cf, and "postfix${option} reload"`;
  return finding('warning', 'postconf', directory, `${what}; ${danger}`, mend);
}

/** An earlier entry that uses the same database as another user. */
function rivalOf({ database, account }: Entry, entries: readonly Entry[]): Entry | undefined {
  const first = entries.find((entry) => entry.database?.path === database?.path);
  if (database === undefined || account === undefined || first?.account === undefined) return undefined;
  return first.account.uid === account.uid ? undefined : first;
}

function judgeRivals({ name, account }: Entry, rival: Entry): Finding {
  const what = `as ${account!.name} it uses the database of ${rival.name}, which runs as ${rival.account!.name}: what the one makes is closed to the other`;
  const mend = `the same user= in both lines of master.cf, or a --db of its own`;
  return finding('error', 'user', `master.cf: ${name}`, what, mend);
}

function judgeAbsence({ configuration, mistyped }: Facts): Finding {
  const { directory, option, services } = configuration;
  const absent = (where: string, what: string, mend: string) => finding('error', 'entry', where, what, mend);
  const named = services.find(({ command }) => command.some(namesGreylatch));
  if (named !== undefined) {
    const what = `names greylatch, but does not run it: ${whyNot(named)}`;
    const mend = `for the filter, a line that ends in spawn, as in master.cf.snippet, and below it user=nobody ${ARGV}; then "postfix${option} reload"`;
    return absent(`master.cf: ${nameOf(named)}`, what, mend);
  }
  const what = 'no service runs greylatch';
  const [first] = mistyped;
  if (first !== undefined) {
    const mend = andReload(configuration, `if that should be greylatch: ${ARGV}`);
    return absent(`master.cf: ${first.name}`, `${what}; here, ${first.program} does not exist`, mend);
  }
  const change = `append master.cf.snippet of the package to ${directory}/master.cf, its lines for main.cf to main.cf`;
  return absent('master.cf', what, andReload(configuration, change));
}

/** As a word of a line that was not understood: perhaps with quotes around it. */
function namesGreylatch(word: string): boolean {
  return isGreylatch(word.replace(/["']/g, ''));
}

function whyNot(service: Service): string {
  const [program] = service.command;
  if (program === 'pipe') return 'it runs pipe(8), not spawn(8)';
  if (program !== 'spawn')
    return `its line goes on with the arguments of a filter, whose own first line is missing`;
  const unknown = unknownIn(service);
  if (unknown !== undefined)
    return `"${unknown}" is neither user= nor argv=, which have no blanks around "="`;
  return 'in master.cf, quotes are parts of a word; a word with blanks stands in { }';
}
