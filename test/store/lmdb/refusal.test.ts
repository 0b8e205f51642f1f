// LMDB's errors as ours: what is done about each goes by its class.
import { expect, test } from 'vitest';
import { DamageError, MovedError, StoreError } from '../../../src/store/damage.ts';
import { fromLmdb } from '../../../src/store/lmdb/refusal.ts';

const of = (message: string) => fromLmdb(new Error(message), '/var/mta/greylist.mdb');

test.each([
  'put failed bad_sub, MDB_NOTFOUND: No matching key/data pair found',
  'put failed bad_sub, MDB_BAD_VALSIZE: Unsupported size of key/DB name/data, or wrong DUPFIXED size',
])('where LMDB has lost its way in the free pages, the file is opened anew: %s', (message) => {
  expect(of(message)).toBeInstanceOf(MovedError);
});

test('damage, and what the system refuses', () => {
  expect(of('MDB_CORRUPTED: Located page was wrong type')).toBeInstanceOf(DamageError);
  expect(of('No space left on device')).toMatchObject({
    name: 'StoreError',
    message: expect.stringContaining('the disk is full'),
  });
  const own = new StoreError('x');
  expect(fromLmdb(own, '/')).toBe(own);
});
