// Bars and lines made of block characters. Text only.

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const LEVELS = '▁▂▃▄▅▆▇█';

/**
 * A bar for `part` (0 to 1) of `width` characters, to an eighth of a character; of more than 0, something is always
 * visible.
 */
export function bar(part: number, width: number): string {
  const eighths = part > 0 ? Math.max(1, Math.round(part * width * 8)) : 0;
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}

/** A character for each value, the highest for the largest; `·` where it is not known. */
export function sparkline(values: readonly (number | undefined | null)[]): string {
  const most = Math.max(...values.map((value) => value ?? 0));
  return values
    .map((value) => {
      if (value === undefined || value === null) return '·';
      if (most === 0) return LEVELS.charAt(0);
      return LEVELS.charAt(Math.min(LEVELS.length - 1, Math.floor((value / most) * LEVELS.length)));
    })
    .join('');
}
