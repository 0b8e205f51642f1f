// Lists of several files: the first that matches says so.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type ListEntry, openClientList, openRecipientList } from '../../src/lists/lists.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('of each');
let warnings: string[];
let file: string;
beforeEach(() => {
  warnings = [];
  file = path.join(scratch.path, 'clients');
});

const options = () => ({ warn: (text: string) => void warnings.push(text), now: () => 1000 });

test('says in which file, and takes the files in their order', () => {
  const other = path.join(scratch.path, 'other');
  writeFileSync(file, '# one\nexample.com\n');
  writeFileSync(other, 'example.com\nexample.org\n');
  const list = openClientList([file, other], options());
  expect(list.match('example.com', '192.0.2.1')).toEqual({ file, line: 2, text: 'example.com' });
  expect(list.match('mx.example.org', '192.0.2.1')).toEqual({ file: other, line: 2, text: 'example.org' });
  const recipients = openRecipientList([other], options());
  expect(recipients.match('ann@example.org')).toEqual({ file: other, line: 2, text: 'example.org' });
  expect(openRecipientList([], options()).match('ann@example.org')).toBeUndefined();
  expect(warnings).toEqual([]);
});

test('the files are read at once, and each entry that matches is told', () => {
  writeFileSync(file, 'example.com\n192.0.2.0/99\n');
  const hits: ListEntry[] = [];
  const list = openClientList([file], { ...options(), hit: (entry) => void hits.push(entry) });
  expect(warnings).toHaveLength(1);
  list.match('mx.example.com', '192.0.2.1');
  list.match('mx.example.net', '192.0.2.1');
  expect(hits).toEqual([{ file, line: 1, text: 'example.com' }]);
});
