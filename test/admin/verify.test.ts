// greylatch verify: its verdict as text, as JSON and as status, and what is no database at all.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { verifyCommand } from '../../src/admin/verify.ts';
import { withFile } from '../../src/store/pages/file.ts';
import { readHead } from '../../src/store/pages/head.ts';
import { leaves } from '../../src/store/pages/leaves.ts';
import { useScratch } from '../support/scratch.ts';
import { fill, made } from './report/made.ts';
import { watch } from './watch.ts';

const PAGE = 4096;
const scratch = useScratch('of each');
let db = '';
beforeEach(() => {
  db = path.join(scratch.path, 'greylist.mdb');
});

const verify = (json = false) => watch(() => verifyCommand.run({ db, json }));

/** So many of the leaves become rubbish. */
function damage(count: number): void {
  const numbers = withFile(db, (file) =>
    [...leaves(file, readHead(file), { onDamage: () => {} })].map((leaf) => leaf.readUInt32LE(0)),
  )!;
  expect(numbers.length).toBeGreaterThan(count);
  const fd = openSync(db, 'r+');
  for (const number of numbers.slice(0, count))
    writeSync(fd, Buffer.alloc(PAGE, 0xa5), 0, PAGE, number * PAGE);
  closeSync(fd);
}

test('sound: status 0', async () => {
  fill(db, made(500, 1_764_000_000));
  const { status, output } = await verify();
  expect(status).toBe(0);
  expect(output).toMatch(/^\S+: sound\n/);
  expect(output).not.toContain('salvage');
  const facts = await verify(true);
  expect(facts.status).toBe(0);
  expect(JSON.parse(facts.output)).toMatchObject({ db, sound: true, problems: [] });
});

test('damaged: status 1, and where; of many problems the first twenty', async () => {
  fill(db, made(8000, 1_764_000_000));
  damage(3);
  const few = await verify();
  expect(few.status).toBe(1);
  expect(few.output).toMatch(/^\S+: DAMAGED\n/);
  expect(few.output.match(/^ {2}page \d+ \w.*$/gm)).toHaveLength(3);
  expect(few.output).not.toContain('more problem');
  expect(few.output).toMatch(/greylatch salvage FILE --into NEW\n$/);
  damage(30);
  const facts = await verify(true);
  expect(facts.status).toBe(1);
  const { sound, problems } = JSON.parse(facts.output);
  expect(sound).toBe(false);
  expect(problems).toHaveLength(33);
  const many = await verify();
  expect(many.status).toBe(1);
  expect(many.output.match(/^ {2}page \d+ /gm)).toHaveLength(20);
  expect(many.output).toContain('\n  and 13 more problems\n');
  expect(many.output).toContain(`\n  page ${problems[0].page} ${problems[0].what}\n`);
});

test('what is not there, or never was a database, is an error and no verdict', async () => {
  const none = await verify();
  expect(none).toMatchObject({ output: '', status: { message: expect.stringContaining('does not exist') } });
  writeFileSync(db, 'Dear administrator,\n'.repeat(1000));
  const letter = await verify();
  expect(letter).toMatchObject({
    output: '',
    status: { message: expect.stringContaining('is no database') },
  });
});
