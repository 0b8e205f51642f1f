// Whether the filter can log. Facts in, findings out.
import { type Finding, finding } from '../finding.ts';
import type { Entry, Facts } from '../gather.ts';
import { denied, type User } from '../permissions.ts';
import { homeOf } from './database.ts';

export function judgeLog({ configuration, devLog, addons }: Facts, entry: Entry): Finding[] {
  const { name, settings, account, log } = entry;
  if (settings === undefined) return [];
  const where = `master.cf: ${name}`;
  const hasSyslog = devLog.self?.kind === 'socket';
  const toFile = `--log file:${directoryFor(entry)}/greylatch.log`;
  const elsewhere = `in argv= of ${name}: ${hasSyslog ? '--log syslog, or ' : ''}${toFile}`;
  if (log !== undefined && account !== undefined) {
    const refused =
      log.file.self === undefined
        ? denied(account, log.directory, 'write', 'search')
        : denied(account, log.file, 'write');
    if (refused === '') return [finding('ok', 'log', where, `messages go to ${log.file.path}`)];
    const mend = mendFile(log, account) ?? elsewhere;
    return [finding('warning', 'log', where, `nothing is logged: ${refused}`, mend)];
  }
  const nothing = 'nothing is logged, not even trouble with the database';
  if (settings.log === 'none') return [finding('note', 'log', where, nothing, elsewhere)];
  // Under spawn(8), where standard error is smtpd's socket, --log stderr is syslog too.
  if (settings.log !== 'syslog' && settings.log !== 'stderr') return [];
  if (addons.syslog !== '') {
    const what = `nothing can be sent to syslog from this machine (${addons.syslog}), so ${nothing}`;
    return [finding('warning', 'log', where, what, `in argv= of ${name}: ${toFile}`)];
  }
  if (hasSyslog) return [finding('ok', 'log', where, 'messages go to syslog')];
  const own = configuration.parameters.maillog_file;
  const postfix = own ? ` (Postfix has a log of its own: maillog_file = ${own})` : '';
  const mend = own ? elsewhere : `start a syslog service, or ${elsewhere}`;
  return [finding('warning', 'log', '/dev/log', `there is no syslog socket, so ${nothing}${postfix}`, mend)];
}

/** Beside the database, where the filter may write. */
function directoryFor({ account, database }: Entry): string {
  return database === undefined ? '/var/mta' : homeOf(database, account);
}

/** How its user gets the file that is named; undefined where its directory is closed to him. */
function mendFile({ file, directory }: NonNullable<Entry['log']>, user: User): string | undefined {
  if (denied(user, directory, 'search') !== '') return undefined;
  const give = `chown ${user.name} ${file.path}`;
  return file.self === undefined ? `touch ${file.path} && ${give} && chmod 600 ${file.path}` : give;
}
