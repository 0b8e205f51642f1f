// Opening the database as root, in a directory of the filters' user: whose its files are. (That no link leads LMDB, which follows
// them, to a file of root's: test/faults/hostile.)
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter } from '../../../src/store/lmdb/writer.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { suite } from '../../support/needs.ts';
import { makeScratch } from '../../support/scratch.ts';

suite('as root', ['root'], () => {
  let scratch: ReturnType<typeof makeScratch>;
  const [uid, gid] = [12_345, 23_456];
  const place = () => path.join(scratch.path, 'theirs/greylist.mdb');
  beforeEach(() => {
    scratch = makeScratch();
    chmodSync(scratch.path, 0o711);
    mkdirSync(path.dirname(place()));
    chownSync(path.dirname(place()), uid, gid);
  });
  afterEach(() => scratch.remove());
  const owners = () => [place(), lockPath(place())].map((file) => statSync(file).uid);

  test('its files are the directory’s owner’s, also those that root made before', () => {
    closeWriter(openWriter(place()));
    expect(owners()).toEqual([uid, uid]);
    for (const file of [place(), lockPath(place())]) chownSync(file, 0, 0);
    closeWriter(openWriter(place()));
    expect(owners()).toEqual([uid, uid]);
  });
});
