// The audit of lists as text for people. Makes text; writes nothing.
import { printable } from '../../log/log.ts';
import { ago, localTimeAgo, type Paint, plural, span, table, visible } from '../text.ts';
import type { AuditedEntry, AuditedFile } from './audit.ts';
import type { WantedClient } from './wanted.ts';

const COLOURS = {
  hit: 'green',
  dead: 'yellow',
  unused: 'dim',
  shadowed: 'yellow',
  malformed: 'red',
} as const;
const RIGHT = [0, 1];
const STATE = 3;

/** `now` in seconds since the epoch. */
export function auditText(
  files: readonly AuditedFile[],
  wanted: readonly WantedClient[],
  now: number,
  paint: Paint,
): string {
  return [...files.map((file) => fileText(file, now, paint)), wantedText(wanted, paint)].join('\n');
}

function fileText({ file, since, entries }: AuditedFile, now: number, paint: Paint) {
  const recorded =
    since === 0
      ? 'no hits recorded yet: a filter with this file begins with it, a minute after its first request'
      : `hits recorded since ${localTimeAgo(since, now)}`;
  const rows = entries.map((entry) => [
    `${entry.line}`,
    `${entry.hits}`,
    entry.last === 0 ? 'never' : ago(entry.last, now),
    entry.state === 'unused' ? '' : entry.state,
    entry.text.split(/\s+/).map(visible).join(' '),
    noteOf(entry, file),
  ]);
  const shown = table(
    [['line', 'hits', 'last hit', 'state', 'entry', ''], ...rows],
    RIGHT,
    (row, column, cell) => {
      if (row === 0) return paint('bold', cell);
      return column === STATE ? paint(COLOURS[entries[row - 1]!.state], cell) : cell;
    },
  );
  const counts = (['dead', 'shadowed', 'malformed'] as const)
    .map((state) => [state, entries.filter((entry) => entry.state === state).length] as const)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `, ${count} ${state}`);
  const heading = `${visible(file)}: ${plural(entries.length, 'entry', 'entries')}${counts.join('')}; ${recorded}\n`;
  return `${paint('bold', heading.trimEnd())}\n${entries.length === 0 ? '' : shown}`;
}

function noteOf({ by, trouble }: AuditedEntry, file: string): string {
  if (trouble !== undefined) return printable(trouble);
  if (by === undefined) return '';
  const where = by.file === file ? `line ${by.line}` : `${visible(by.file)}:${by.line}`;
  return `by ${visible(by.text)} (${where})`;
}

/** Lines that can be put into a file as they are. */
function wantedText(wanted: readonly WantedClient[], paint: Paint): string {
  if (wanted.length === 0) return 'No client waited often and always came back.\n';
  const heading = '# Clients that waited often and always came back, to be added to --whitelist-clients:';
  const rows = wanted.map(({ line, passed, median }) => [
    line,
    `# ${plural(passed, 'triple')} passed, median wait ${span(median)}`,
  ]);
  return `${paint('bold', heading)}\n${table(rows)}`;
}
