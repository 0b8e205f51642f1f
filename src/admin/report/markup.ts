// The pieces of the page. Text in records may come from an attacker, so all text goes through `escaped`.

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML, for elements and for attributes in quotes. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c]!);
}

/** A table whose first row is its head; columns in `right` are numbers. The cells are text. '' without rows. */
export function tableOf(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const [head, ...body] = rows;
  if (head === undefined || body.length === 0) return '';
  const cells = (row: readonly string[], tag: string) =>
    row
      .map((cell, i) => `<${tag}${right.includes(i) ? ' class="n"' : ''}>${escaped(cell)}</${tag}>`)
      .join('');
  const lines = body.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n');
  return `<table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>\n${lines}\n</tbody></table>`;
}

/** A section with a heading; '' where there is nothing in it. */
export function section(heading: string, ...parts: string[]): string {
  const content = parts.filter((part) => part !== '').join('\n');
  return content === '' ? '' : `<section><h2>${escaped(heading)}</h2>\n${content}\n</section>`;
}

export function paragraph(text: string, kind = ''): string {
  return `<p${kind === '' ? '' : ` class="${kind}"`}>${escaped(text)}</p>`;
}
