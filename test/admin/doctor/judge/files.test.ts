// Rights of the files beside a database, on planted facts.
import { expect, test } from 'vitest';
import { amiss, DATABASE, inode, NOBODY, only, place } from '../healthy.ts';

const database = (wrong: Partial<typeof DATABASE>) => ({ entry: { database: { ...DATABASE, ...wrong } } });
const file = (name: string, mode: number, uid: number) => place(name, inode(name, mode, uid, 'file'));

test('everybody may write to the file', () => {
  expect(only(database({ file: file(DATABASE.path, 0o666, NOBODY.uid) }))).toMatchObject({
    severity: 'warning',
    check: 'file',
    mend: `chmod 600 ${DATABASE.path}`,
  });
});

test('a queue that the filter may not use costs speed, not mail', () => {
  const queue = `${DATABASE.path}-queue`;
  expect(only(database({ queue: file(queue, 0o600, 0) }))).toMatchObject({
    severity: 'warning',
    check: 'file',
    where: queue,
    mend: `chown nobody ${queue} && chmod 600 ${queue}`,
  });
  expect(amiss(database({ queue: place(queue, undefined) }))).toEqual([]);
});

test('the key of --privacy: without it, nothing is greylisted', () => {
  const path = `${DATABASE.path}.secret`;
  const found = (mode: number, uid: number, isKey = true) =>
    amiss(database({ key: { place: file(path, mode, uid), isKey } }));
  expect(found(0o600, 0)).toMatchObject([
    { severity: 'error', check: 'key', where: path, mend: `chown nobody ${path} && chmod 600 ${path}` },
  ]);
  expect(found(0o600, NOBODY.uid, false)).toMatchObject([
    { severity: 'error', check: 'key', what: expect.stringMatching(/is no key$/) },
  ]);
  expect(found(0o644, NOBODY.uid)).toMatchObject([
    { severity: 'warning', check: 'key', mend: `chmod 600 ${path}` },
  ]);
  expect(found(0o600, NOBODY.uid)).toEqual([]);
  expect(amiss(database({ key: { place: place(path, undefined), isKey: true } }))).toEqual([]); // not made yet
});
