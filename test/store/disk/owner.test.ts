// Root in a directory of another user: whose the files are, and that a link there leads root nowhere.
import { chmodSync, chownSync, linkSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { asOwner, takeOwner } from '../../../src/store/disk/owner.ts';
import { suite } from '../../support/needs.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of each');
const [uid, gid] = [12_345, 23_456];
const place = (name: string) => path.join(scratch.path, 'theirs', name);
const victim = () => path.join(scratch.path, 'roots');
beforeEach(() => {
  mkdirSync(place(''));
  writeFileSync(victim(), 'of root', { mode: 0o600 });
});

test('a mode is set, and not that of what a link leads to, nor that of a file with another name', () => {
  const mine = (mode: number) => ({ uid: process.getuid!(), gid: process.getgid!(), mode });
  writeFileSync(place('file'), '', { mode: 0o644 });
  takeOwner(place('file'), mine(0o600));
  expect(statSync(place('file')).mode & 0o777).toBe(0o600);
  symlinkSync(victim(), place('link'));
  linkSync(victim(), place('hard'));
  expect(() => takeOwner(place('link'), mine(0o666))).toThrow('ELOOP');
  expect(() => takeOwner(place('hard'), mine(0o666))).toThrow('is a hard link');
  expect(statSync(victim()).mode & 0o777).toBe(0o600);
});

suite('as root', ['root'], () => {
  beforeEach(() => {
    chmodSync(scratch.path, 0o711);
    chownSync(place(''), uid, gid);
  });

  test('an owner is set, and not that of what a link leads to', () => {
    writeFileSync(place('file'), '');
    takeOwner(place('file'), { uid, gid, mode: 0o640 });
    expect(statSync(place('file'))).toMatchObject({ uid, gid, mode: 0o100640 });
    symlinkSync(victim(), place('link'));
    expect(() => takeOwner(place('link'), { uid, gid, mode: 0o640 })).toThrow('ELOOP');
    expect(statSync(victim())).toMatchObject({ uid: 0, mode: 0o100600 });
  });

  test('what opens files does so as the owner of their directory, and root is root again afterwards', () => {
    writeFileSync(place('of-root'), '');
    symlinkSync(victim(), place('link'));
    const files = [place('of-root'), place('new')];
    asOwner(files, () => writeFileSync(place('new'), ''));
    for (const file of files) expect(statSync(file)).toMatchObject({ uid, gid });
    expect(() => asOwner(files, () => writeFileSync(place('link'), 'theirs'))).toThrow('EACCES');
    expect([process.geteuid!(), process.getegid!()]).toEqual([0, process.getgid!()]);
    writeFileSync(victim(), 'still root');
  });

  test('root stays root where the owner cannot get to the directory, and where a file is a third user’s; what it makes is the owner’s', () => {
    writeFileSync(place('third'), '');
    chownSync(place('third'), 34_567, gid);
    const make = (name: string) => () => {
      expect(process.geteuid!()).toBe(0);
      writeFileSync(place(name), '');
    };
    asOwner([place('third'), place('one')], make('one'));
    chmodSync(scratch.path, 0o700);
    asOwner([place('other')], make('other'));
    // Even so they are not root's in the end.
    for (const name of ['one', 'other']) expect(statSync(place(name))).toMatchObject({ uid, gid });
    expect(statSync(place('third')).uid).toBe(34_567);
  });
});
