// What the status is gathered from: every page with --verify, and of damaged files set aside the last.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ofDatabase } from '../../../src/admin/records.ts';
import { gather } from '../../../src/admin/status/gather.ts';
import { closeFile, openFile } from '../../../src/store/pages/file.ts';
import { readHead } from '../../../src/store/pages/head.ts';
import { testScratch } from '../../support/scratch.ts';
import { fill, made, triple } from '../report/made.ts';

const PAGE = 4096;
const NOW = 1_764_000_000;

test('a damaged page without records shows with --verify; of what was set aside, the last is told', async () => {
  const scratch = testScratch();
  const db = path.join(scratch.path, 'greylist.mdb');
  fill(db, made(2000, NOW));
  fill(db, [triple({})]); // changes pages, so that some are free
  const opened = openFile(db)!;
  const { root } = readHead(opened).free;
  closeFile(opened);
  const file = openSync(db, 'r+');
  writeSync(file, Buffer.alloc(PAGE, 0xa5), 0, PAGE, root * PAGE);
  closeSync(file);
  for (const time of ['20260102T030405Z', '20260202T030405Z', '20260302T030405Z'])
    writeFileSync(`${db}.damaged-${time}`, '');

  const status = (verify: boolean) =>
    gather(ofDatabase(db), db, {
      lives: { retryWindow: 0, maxAge: 0 },
      autoWhitelist: 10,
      verify,
      now: NOW,
    });
  const quick = await status(false);
  expect(quick).toMatchObject({ sound: true, problems: [] });
  expect(quick.lastDamage?.name).toBe(`${db}.damaged-20260302T030405Z`);
  const whole = await status(true);
  expect(whole.sound).toBe(false);
  expect(whole.problems).toContainEqual(
    expect.objectContaining({ what: expect.stringMatching(new RegExp(`^page ${root} `)) }),
  );
});
