// Whether the filter can log. Facts in, findings out.

import type { Finding } from '../finding.ts';
import type { Entry, Facts } from '../gather.ts';
import { denied } from '../permissions.ts';

export function judgeLog(
  { configuration, devLog }: Facts,
  { name, settings, account, log, database }: Entry,
): Finding[] {
  if (settings === undefined) return [];
  const where = `master.cf: ${name}`;
  if (log !== undefined && account !== undefined) {
    const refused =
      log.file.self === undefined
        ? denied(account, log.directory, 'write', 'search')
        : denied(account, log.file, 'write');
    if (refused === '')
      return [{ severity: 'ok', check: 'log', where, what: `messages go to ${log.file.path}` }];
    const file = log.file.path;
    const give = `chown ${account.name} ${file}`;
    const mend =
      log.file.self !== undefined
        ? give
        : denied(account, log.directory, 'search') === ''
          ? `touch ${file} && ${give} && chmod 600 ${file}`
          : `in argv= of ${name}: --log syslog, or --log file:PATH in a directory that ${account.name} can use`;
    return [{ severity: 'warning', check: 'log', where, what: `nothing is logged: ${refused}`, mend }];
  }
  if (settings.log === 'none' || settings.log === 'stderr') {
    const what =
      settings.log === 'none'
        ? 'nothing is logged, not even trouble with the database'
        : "nothing is logged: under spawn(8), standard error is smtpd's socket and stays silent";
    return [
      { severity: 'note', check: 'log', where, what, mend: 'in argv=: --log syslog, or --log file:PATH' },
    ];
  }
  if (settings.log !== 'syslog') return [];
  if (devLog.self?.kind === 'socket')
    return [{ severity: 'ok', check: 'log', where, what: 'messages go to syslog' }];
  const directory = database === undefined || database.shared ? '/var/mta' : database.directory.path;
  const file = `${directory}/greylatch.log`;
  const own = configuration.parameters.maillog_file;
  const postfix = own ? ` (Postfix has a log of its own: maillog_file = ${own})` : '';
  return [
    {
      severity: 'warning',
      check: 'log',
      where: '/dev/log',
      what: `there is no syslog socket, so nothing is logged, not even trouble with the database${postfix}`,
      mend: own
        ? `in argv= of ${name}: --log file:${file}`
        : `start a syslog service, or in argv= of ${name}: --log file:${file}`,
    },
  ];
}
