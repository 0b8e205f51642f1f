// Whether the filter's options greylist at all, and the whitelist files that they name. Facts in, findings out.
import type { Finding } from '../finding.ts';
import type { Entry } from '../gather.ts';
import { denied, wayTo } from '../permissions.ts';

export function judgeLists({ name, settings, account, lists }: Entry): Finding[] {
  const where = `master.cf: ${name}`;
  const found: Finding[] = [];
  for (const { option, file } of lists) {
    const refused = account === undefined ? '' : denied(account, file, 'read');
    if (account === undefined || refused === '') continue;
    const give =
      file.self === undefined
        ? `write it (it may be empty), or take ${option} out of argv=`
        : `chmod a+r ${file.path}`;
    const mend = wayTo(account, file) ?? give;
    found.push({
      severity: 'warning',
      check: 'list',
      where,
      what: `${option} has no effect: ${refused}`,
      mend,
    });
  }
  const off = settings?.dryRun ? '--dry-run' : settings?.greylist === 'observe' ? '--greylist observe' : '';
  if (off !== '') {
    const what = `${off}: nobody is deferred; the log says who would have been`;
    found.push({
      severity: 'note',
      check: 'off',
      where,
      what,
      mend: `when you have seen enough: take ${off} out of argv=`,
    });
  }
  return found;
}
