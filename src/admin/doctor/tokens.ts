// Postfix's own way to split text into words, where { } hold together what has blanks in it (mystrtokq and
// extpar in its sources; master(5), SMTPD_POLICY_README). Text only.

/** Words between any of `separators`; one may contain them within { }. The braces stay. */
export function tokens(text: string, separators: string): string[] {
  const found: string[] = [];
  let start = -1;
  let level = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    const ends = c === undefined || (level === 0 && separators.includes(c));
    if (ends && start >= 0) found.push(text.slice(start, i));
    if (ends) {
      start = -1;
      continue;
    }
    if (start < 0) start = i;
    if (c === '{') level++;
    else if (c === '}' && level > 0) level--;
  }
  return found;
}

/** What stands within the braces of a word, without blanks around it; any other word as it is. */
export function unbraced(word: string): string {
  return /^\{.*\}$/s.test(word) ? word.slice(1, -1).trim() : word;
}
