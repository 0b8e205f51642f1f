// The key of --privacy: made once, by whoever comes first, and never taken from where somebody else could have put it.
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { StoreError } from '../../../src/store/damage.ts';
import { readSecret, secretPath } from '../../../src/store/disk/secret.ts';
import { greylatch, startFilter } from '../../support/filter.ts';
import { suite } from '../../support/needs.ts';
import { deferred, policyRequest } from '../../support/requests.ts';
import { useScratch } from '../../support/scratch.ts';

const scratch = useScratch('of each');
const database = () => path.join(scratch.path, 'greylist.mdb');
const secret = () => `${database()}.secret`;

test('it lies beside the database, for its owner alone, and all read the same one', () => {
  expect(secretPath(database())).toBe(secret());
  const key = readSecret(database());
  expect(key).toHaveLength(32);
  expect(readFileSync(secret()).equals(key)).toBe(true);
  expect(statSync(secret()).mode & 0o777).toBe(0o600);
  expect(readSecret(database()).equals(key)).toBe(true);
  expect(readdirSync(scratch.path)).toEqual(['greylist.mdb.secret']);
});

test('no two databases have the same one', () => {
  const keys = ['a.mdb', 'b.mdb'].map((name) => readSecret(path.join(scratch.path, name)).toString('hex'));
  expect(keys[0]).not.toBe(keys[1]);
});

test.each([
  ['empty', ''],
  ['too short', 'x'.repeat(31)],
  ['too long', 'x'.repeat(33)],
])('one that is %s is left alone, and nothing is stored under it', (_, content) => {
  writeFileSync(secret(), content);
  expect(() => readSecret(database())).toThrow(StoreError);
  expect(() => readSecret(database())).toThrow(/is not the key of --privacy; remove it/);
  expect(readFileSync(secret(), 'utf8')).toBe(content);
});

test('a link in its place is not followed, wherever it leads', () => {
  const elsewhere = path.join(scratch.path, 'elsewhere');
  symlinkSync(elsewhere, secret());
  expect(() => readSecret(database())).toThrow(StoreError);
  expect(existsSync(elsewhere)).toBe(false);
  readSecret(path.join(scratch.path, 'other.mdb'));
  renameSync(path.join(scratch.path, 'other.mdb.secret'), elsewhere);
  expect(() => readSecret(database())).toThrow('it is a symbolic link');
});

test('where a database may not lie, there is no key either', () => {
  chmodSync(scratch.path, 0o777);
  expect(() => readSecret(database())).toThrow('writable by everybody');
  expect(readdirSync(scratch.path)).toEqual([]);
});

suite('a power cut', ['strace'], () => {
  test('leaves all of it, or nothing that is stored under it: it is on the disk before it is used', async () => {
    const trace = path.join(scratch.path, 'trace');
    const calls = 'trace=fsync,link,write,pwrite64,pwritev';
    const options = ['--db', database(), '--log', 'none', '--privacy'];
    const filter = await startFilter([
      ...['strace', '-f', '-y', '-e', calls, '-o', trace],
      ...greylatch(...options),
    ]);
    expect(await filter.ask(policyRequest())).toBe(deferred);
    await filter.finish();
    const order = readFileSync(trace, 'latin1').split('\n');
    const steps = [
      order.findIndex((call) => call.includes(`write(`) && call.includes(`<${secret()}.`)),
      order.findIndex((call) => call.includes('fsync(') && call.includes(`<${secret()}.`)),
      order.findIndex((call) => call.includes('link(') && call.includes(`"${secret()}")`)),
      order.findIndex((call) => call.includes('fsync(') && call.includes(`<${scratch.path}>`)),
      order.findIndex((call) => call.includes('write') && call.includes(`<${database()}-queue`)),
    ];
    expect(steps).toEqual(steps.filter((step) => step >= 0).sort((a, b) => a - b));
  });
});
