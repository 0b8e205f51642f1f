// master.cf.snippet, read as an administrator reads it: the whole file is pasted into master.cf, and the
// examples in its comments go where the line above them says.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { project } from '../support/project.ts';

/** The file as it stands. */
export const snippet = readFileSync(path.join(project, 'master.cf.snippet'), 'utf8');

/** The example that follows the first line with `heading` in it, the comment signs and the indent taken off. */
export function example(heading: string): string {
  const lines = snippet.split('\n');
  const start = lines.findIndex((line) => line.includes(heading));
  if (start < 0) throw new Error(`master.cf.snippet has no line with '${heading}'`);
  const first = lines.findIndex((line, i) => i > start && /^# {7}\S/.test(line));
  const end = lines.findIndex((line, i) => i > first && !/^# {7}/.test(line));
  return `${lines
    .slice(first, end < 0 ? undefined : end)
    .map((line) => line.slice(8))
    .join('\n')}\n`;
}

/** The active service with another command. */
export function serviceFor(argv: string[]): string {
  const service = snippet.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return `${service.join('\n').replace(/argv=.*/, () => `argv=${argv.join(' ')}`)}\n`;
}
