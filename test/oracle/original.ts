// greylist.pl itself: a copy whose database lies elsewhere and whose log goes nowhere (a machine without /dev/log
// would stop it at the first line of garbage). Nothing else of it is touched, the decision least of all.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { greylistPl } from '../support/needs.ts';

export function originalCommand(directory: string): string[] {
  const script = path.join(directory, 'greylist.pl');
  let text = readFileSync(greylistPl, 'latin1');
  text = replaceLine(text, /^\$database_name=.*$/m, `$database_name="${directory}/greylist.db";`);
  // Predeclared, as the script calls them without parentheses.
  const silence = 'sub setlogsock { 1 } sub openlog { 1 } sub syslog { 1 }';
  text = replaceLine(text, /^use Sys::Syslog .*$/m, silence);
  writeFileSync(script, text, 'latin1');
  return ['/usr/bin/perl', script];
}

function replaceLine(text: string, line: RegExp, by: string): string {
  if (!line.test(text)) throw new Error(`${greylistPl} has no line like ${line}`);
  return text.replace(line, () => by);
}
