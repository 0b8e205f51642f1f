// The pages of the database's file, each read as a whole into memory of our own, and checked: is it what was asked for?
import { readSync } from 'node:fs';
import { DamageError } from '../damage.ts';
import type { DataFile } from './file.ts';
import { type Meta, wrongWithHeader, wrongWithNodes } from './format.ts';

/** Reads page `number` to `at` of `into`. */
export function readPage(file: DataFile, number: number, into: Buffer, at: number): void {
  const { pageSize } = file;
  const got = readSync(file.fd, into, at, pageSize, number * pageSize);
  if (got !== pageSize) throw new DamageError(`is truncated: page ${number} is missing`);
}

/** Reads page `number` and checks its header. Throws DamageError. */
export function loadPage(
  file: DataFile,
  number: number,
  into: Buffer,
  at: number,
  kind: number,
  meta: Meta,
): void {
  if (number < 2 || number > meta.lastPage)
    throw new DamageError(`points to a page that cannot be, ${number}`);
  readPage(file, number, into, at);
  const wrong = wrongWithHeader(into, at, number, kind, meta.txnid);
  if (wrong !== '') throw new DamageError(`page ${number} ${wrong}`);
}

/** Reads page `number` to the start of `into` and checks all of it. Throws DamageError. */
export function loadWhole(file: DataFile, number: number, into: Buffer, kind: number, meta: Meta): void {
  loadPage(file, number, into, 0, kind, meta);
  const wrong = wrongWithNodes(into, 0, file.pageSize, kind);
  if (wrong !== '') throw new DamageError(`page ${number} ${wrong}`);
}

/**
 * As `loadWhole`, for callers that go on after a damaged page: returns what is wrong with it, '' for nothing. Throws what the
 * file system throws.
 */
export function wrongWithPage(
  file: DataFile,
  number: number,
  into: Buffer,
  kind: number,
  meta: Meta,
): string {
  if (number < 2 || number > meta.lastPage) return 'cannot be, and yet something points to it';
  try {
    readPage(file, number, into, 0);
  } catch (error) {
    if (error instanceof DamageError) return error.message;
    throw error;
  }
  return wrongWithHeader(into, 0, number, kind, meta.txnid) || wrongWithNodes(into, 0, file.pageSize, kind);
}
