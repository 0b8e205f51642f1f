// Medians, their spread, and tables in Markdown, padded so that they can be read as they are.

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Of the processes' memory in kB, the mean in MB. */
export function meanMemory(memory: { pss: number; private: number }[], kind: 'pss' | 'private'): number {
  return memory.reduce((sum, one) => sum + one[kind], 0) / memory.length / 1024;
}

/** The median, and from the least to the greatest; a dash where nothing was measured. */
export function spread(values: number[], digits = 0): string {
  if (values.length === 0) return '–';
  const show = (value: number) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [least, most] = [show(Math.min(...values)), show(Math.max(...values))];
  return least === most ? least : `${show(median(values))} (${least}–${most})`;
}

/** A ratio beside its goal, and whether it is met. */
export function judged(ratio: number | undefined, most?: number, least?: number): string {
  if (ratio === undefined || !Number.isFinite(ratio)) return '–';
  const shown = `${ratio.toFixed(2)} ×`;
  if (most !== undefined) return `${shown}, goal ≤ ${most}: ${ratio <= most ? 'met' : 'MISSED'}`;
  if (least !== undefined) return `${shown}, goal ≥ ${least}: ${ratio >= least ? 'met' : 'MISSED'}`;
  return shown;
}

export function markdown(head: string[], rows: string[][]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join(
    '\n',
  );
}
