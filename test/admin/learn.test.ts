// greylatch learn: from logs to what a store is given, and the table.
import { utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { learnCommand } from '../../src/admin/learn.ts';
import { useScratch } from '../support/scratch.ts';
import { sample } from './import/reading.ts';
import { NOWHERE, watch } from './watch.ts';

const scratch = useScratch('of all');

function file(name: string, bytes: Buffer | string, mtime: Date): string {
  const made = path.join(scratch.path, name);
  writeFileSync(made, bytes, 'latin1');
  utimesSync(made, mtime, mtime);
  return made;
}

const LOG = sample('../mail.log').toString('latin1').split('\n');
const NEW_YEAR = new Date(2026, 0, 2);

const learnFiles = (files: string[], options = {}) =>
  watch((merging) =>
    learnCommand(merging).run({
      ...NOWHERE,
      json: false,
      'auto-whitelist': 10,
      'client-key': 'address',
      'ipv4-prefix': 24,
      'ipv6-prefix': 64,
      privacy: false,
      'dry-run': false,
      files,
      ...options,
    }),
  );

test('learn: a message that begins in a rotated log and ends in the next, whatever their order', async () => {
  const files = [
    file('mail.log', LOG.slice(13).join('\n'), NEW_YEAR),
    file('mail.log.1.gz', gzipSync(LOG.slice(0, 13).join('\n')), new Date(2026, 0, 1)),
  ];
  for (const order of [files, files.toReversed()]) {
    const { records, status, output, closed } = await learnFiles(order);
    expect(status).toBe(0);
    expect(closed).toBe(1);
    expect(output).toContain('5 clients whitelisted\n');
    expect(records).toHaveLength(5);
    expect(records).toContainEqual({
      kind: 'client',
      client: '2001:db8::25',
      comeBacks: 11,
      lastSeen: new Date(2025, 11, 31, 23, 58, 21).getTime() / 1000,
      origin: 'learn',
    });
  }
});

test('learn: more come-backs than the threshold, or as many as there were messages', async () => {
  const made = file('mail.log', LOG.join('\n'), NEW_YEAR);
  const count = async (threshold: number) => {
    const { records } = await learnFiles([made], { 'auto-whitelist': threshold });
    return records.map((one) => (one.kind === 'client' ? one.comeBacks : one));
  };
  expect(await count(1)).toEqual([3, 2, 2, 2, 2]);
  expect((await learnFiles([made], { 'auto-whitelist': 0 })).status).toBeInstanceOf(Error);
});

test('learn: under the key of the filters, with the messages of all its clients', async () => {
  const made = file('mail.log', LOG.join('\n'), NEW_YEAR);
  const learned = async (options: object) =>
    (await learnFiles([made], { 'auto-whitelist': 1, ...options })).records
      .map((one) => (one.kind === 'client' ? `${one.client} ${one.comeBacks}` : one))
      .sort();
  expect(await learned({})).toHaveLength(5);
  expect(await learned({ 'client-key': 'subnet' })).toEqual([
    '192.0.2.0/24 3',
    '198.51.100.0/24 3',
    '2001:db8::/64 2',
  ]);
  const wide = { 'client-key': 'subnet', 'ipv4-prefix': 0, 'ipv6-prefix': 32 };
  expect(await learned(wide)).toEqual(['0.0.0.0/0 6', '2001:db8::/32 2']);
  expect((await learnFiles([made], { 'ipv4-prefix': 33 })).status).toBeInstanceOf(Error);
});

test('learn: who was not seen for --max-age is not told to be whitelisted', async () => {
  const recent = Math.floor(Date.now() / 1000) - 3600;
  const stamp = new Date(recent * 1000).toISOString();
  const lines = (id: string, address: string) => [
    `${stamp} mx postfix/smtpd[1]: ${id}: client=mail.example.org[${address}]`,
    `${stamp} mx postfix/local[2]: ${id}: to=<b@example.net>, relay=local, delay=1, dsn=2.0.0, status=sent (ok)`,
  ];
  const made = file('mail.log', [...LOG, ...lines('4F0ABCDEF1', '198.51.100.99')].join('\n'), NEW_YEAR);
  const { records, output } = await learnFiles([made], { 'max-age': 86_400 });
  expect(records).toMatchObject([{ client: '198.51.100.99', lastSeen: recent }]);
  expect(output).toMatch(/\n1 client whitelisted\n5 clients left out: not seen for 1 d \(--max-age\)\n$/);
  const old = await learnFiles([file('old.log', LOG.join('\n'), NEW_YEAR)], { 'max-age': 86_400 });
  expect(old).toMatchObject({ records: [], output: '5 clients left out: not seen for 1 d (--max-age)\n' });
});

test('learn --dry-run shows the table and opens no store; --json the same for programs', async () => {
  const made = file('mail.log', LOG.join('\n'), NEW_YEAR);
  const { output, records, closed } = await learnFiles([made], { 'dry-run': true });
  expect([records, closed]).toEqual([[], 0]);
  expect(output).toMatch(
    /^messages +last +client +name\n +3 +2026-01-01 00:08:01 +192\.0\.2\.1 +mail\.example\.org\n/,
  );
  expect(output).toMatch(/\n5 clients would be whitelisted\n$/);
  const json = (await learnFiles([made], { 'dry-run': true, json: true })).output.trimEnd().split('\n');
  expect(json.map((line) => JSON.parse(line).client)).toHaveLength(5);
});
