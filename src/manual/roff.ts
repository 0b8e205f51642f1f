// Text as roff(7) with the man macros (man(7)), so that nothing in it is taken for a request or an escape. Knows of
// nothing but text.

/** Text with **bold** and __italic__ in it. */
export function inline(text: string): string {
  return text
    .split(/(\*\*.+?\*\*|__.+?__)/)
    .map((part) => {
      const marked = /^(?:\*\*(.+)\*\*|__(.+)__)$/.exec(part);
      if (marked === null) return escaped(part);
      return marked[1] === undefined ? `\\fI${escaped(marked[2]!)}\\fR` : `\\fB${escaped(marked[1])}\\fR`;
    })
    .join('');
}

/** Text as it is, on one line. */
export function escaped(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\\/g, '\\e')
    .replace(/-/g, '\\-')
    .replace(/'/g, '\\(aq')
    .replace(/`/g, '\\(ga')
    .replace(/"/g, '\\(dq')
    .replace(/\^/g, '\\(ha')
    .replace(/~/g, '\\(ti')
    .replace(/[^\x20-\x7e]/g, (c) => `\\[u${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`)
    .replace(/^\./, '\\&.');
}

/** A paragraph. This and the functions below take text that is roff already. */
export function paragraph(text: string): string {
  return `.PP\n${text}\n`;
}

/** A term, with its description indented below it. */
export function item(term: string, text: string): string {
  return `.IP "${term}" 4\n${text}\n`;
}

/** Lines exactly as they are. */
export function verbatim(lines: readonly string[]): string {
  return `.PP\n.nf\n${lines.map((line) => escaped(`    ${line}`)).join('\n')}\n.fi\n`;
}

export function section(title: string): string {
  return `.SH "${title}"\n`;
}

export function subsection(title: string): string {
  return `.SS "${title}"\n`;
}
