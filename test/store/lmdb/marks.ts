// What the mark in a database says whenever somebody waits for the disk.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { vi } from 'vitest';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { isKept, markedTxn } from '../../../src/store/pages/mark.ts';

/** What others would find in the file whenever somebody waits for the disk, from now on: the marked state, and whether it is kept. */
export function marksAtSyncs(database: string): [txnid: number, kept: boolean][] {
  const marks: [number, boolean][] = [];
  const note = () => {
    const file = openFile(database)!;
    readHead(file);
    marks.push([markedTxn(file), isKept(file)]);
    closeFile(file);
  };
  const { fdatasync, fdatasyncSync } = fs;
  vi.spyOn(fs, 'fdatasync').mockImplementation((fd, done) => {
    note();
    fdatasync(fd, done);
  });
  vi.spyOn(fs, 'fdatasyncSync').mockImplementation((fd) => {
    note();
    fdatasyncSync(fd);
  });
  syncBuiltinESMExports();
  return marks;
}
