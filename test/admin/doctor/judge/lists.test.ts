// What the options make of greylisting as a whole, on planted facts.
import { expect, test } from 'vitest';
import { amiss, ENTRIES, inode, NOBODY, only, place } from '../healthy.ts';

const listed = (file: ReturnType<typeof place>) => ({
  entry: { lists: [{ option: '--whitelist-clients', file }] },
});
const FILE = '/etc/postfix/whitelist';

test('a file that is there and can be read is well', () => {
  expect(amiss(listed(place(FILE, inode(FILE, 0o644, 0, 'file'))))).toEqual([]);
  expect(amiss(listed(place(FILE, inode(FILE, 0o600, NOBODY.uid, 'file'))))).toEqual([]);
});

test('a file that is not there, or is closed to the filter, is told', () => {
  const check = 'list';
  expect(only(listed(place(FILE, undefined)))).toMatchObject({
    severity: 'warning',
    check,
    what: `--whitelist-clients has no effect: ${FILE} does not exist`,
    mend: expect.stringContaining('--whitelist-clients'),
  });
  expect(only(listed(place(FILE, inode(FILE, 0o600, 0, 'file'))))).toMatchObject({
    check,
    mend: `chmod a+r ${FILE}`,
  });
});

test('a file in a closed directory: its own mode would not help', () => {
  const file = place(FILE, inode(FILE, 0o644, 0, 'file'), inode('/etc/postfix', 0o700, 0));
  expect(only(listed(file)).mend).toBe('chmod a+x /etc/postfix');
});

test.each(['--dry-run', '--greylist observe'])('%s greylists nobody: a note', (words) => {
  expect(only({ entries: `${ENTRIES.trimEnd()} ${words}\n` })).toMatchObject({
    severity: 'note',
    check: 'off',
    what: expect.stringContaining(`${words}: nobody is deferred`),
  });
});
