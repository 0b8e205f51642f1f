// Whether the filter's options greylist at all, and the whitelist files that they name. Facts in, findings out.
import { type Finding, finding } from '../finding.ts';
import type { Entry } from '../gather.ts';
import { denied, wayTo } from '../permissions.ts';

export function judgeLists({ name, settings, account, lists }: Entry): Finding[] {
  const where = `master.cf: ${name}`;
  const found: Finding[] = [];
  for (const { option, file } of lists) {
    const refused = denied(account, file, 'read');
    if (refused === '') continue;
    const write = `write it (it may be empty), or take ${option} out of argv=`;
    const mend = wayTo(account, file) ?? (file.self === undefined ? write : `chmod a+r ${file.path}`);
    found.push(finding('warning', 'list', where, `${option} has no effect: ${refused}`, mend));
  }
  const off = settings?.dryRun ? '--dry-run' : settings?.greylist === 'observe' ? '--greylist observe' : '';
  if (off !== '') {
    const what = `${off}: nobody is deferred; the log says who would have been`;
    found.push(finding('note', 'off', where, what, `when you have seen enough: take ${off} out of argv=`));
  }
  return found;
}
