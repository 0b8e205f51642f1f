// A disk of its own that fills up, turns read-only, and recovers: replies go on, nothing is damaged, nobody
// restarts anything.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEditor } from '../../src/store/admin/edit.ts';
import { fill as fillWith } from '../store/filled.ts';
import { greylatch } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { deferred, dunno } from '../support/requests.ts';
import { useScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { expectSound, file, isEmptied, logFile, requestFor, Smtpd, setAside } from './database.ts';

const scratch = useScratch('of all');
const disk = path.join(scratch.path, 'disk');
const mount = (...options: string[]) => execFileSync('mount', [...options, disk]);

function expectUnharmed(directory = disk): void {
  expectSound(directory);
  expect(setAside(directory)).toEqual([]);
}

/** Takes all the space there is, to the last byte. */
function fill(): void {
  spawnSync('dd', ['if=/dev/zero', `of=${disk}/filler`, 'bs=512'], { stdio: 'ignore' });
}

/** Leaves nothing of a database on the disk. */
function startOver(): void {
  for (const name of readdirSync(disk)) rmSync(path.join(disk, name));
}

suite('a small disk', ['root'], () => {
  beforeAll(() => {
    mkdirSync(disk);
    // Room for twice a file that has grown by all the pages that may be held back for the marked state (256, durable.ts) before
    // its first damaged page is met.
    mount('-t', 'tmpfs', '-o', 'size=4m,mode=700', 'none');
  });
  afterAll(() => void execFileSync('umount', ['-l', disk]));

  test('full while the file grows, and free again', async () => {
    const smtpd = await Smtpd.start(disk, '--auto-whitelist', '0');
    let stored = 0;
    for (; stored < 500; stored++) expect(await smtpd.ask(requestFor(stored))).toBe(deferred);
    await until(async () => (await smtpd.ask(requestFor(499))) === dunno);
    fill();
    let refused = 0;
    // The free pages inside the file are used up first; then new triples pass, for they cannot be stored.
    for (let i = 1000; i < 40_000 && refused < 50; i++) {
      const reply = await smtpd.ask(requestFor(i));
      expect([dunno, deferred]).toContain(reply);
      if (reply === dunno) refused++;
    }
    expect(refused).toBe(50);
    expect(await smtpd.ask(requestFor(7))).toBe(dunno); // and old ones are known
    const newcomer = await Smtpd.start(disk, '--on-error', 'defer');
    expect(await newcomer.ask(requestFor(90_000))).toBe(deferred);
    expectUnharmed();
    const [node, ...words] = greylatch('verify', '--db', file(disk));
    expect(spawnSync(node!, words, { encoding: 'utf8' })).toMatchObject({ status: 0 }); // by hand, too
    rmSync(`${disk}/filler`);
    expect(await smtpd.ask(requestFor(90_001))).toBe(deferred);
    expect(await newcomer.ask(requestFor(90_001))).toMatch(/^action=(dunno|defer_if_permit)/);
    await until(async () => (await smtpd.ask(requestFor(90_001))) === dunno);
    await newcomer.stop();
    await smtpd.stop();
    expect(smtpd.deaths + newcomer.deaths).toBe(0);
    expectUnharmed();
  });

  test('full before the first file', async () => {
    startOver();
    fill();
    const smtpd = await Smtpd.start(disk);
    for (let i = 0; i < 20; i++) expect(await smtpd.ask(requestFor(i))).toBe(dunno);
    rmSync(`${disk}/filler`);
    expect(await smtpd.ask(requestFor(1))).toBe(deferred);
    await smtpd.stop();
    expect(smtpd.deaths).toBe(0);
    expectUnharmed();
  });

  test.each([1, 2, 3, 4, 5, 6])('full but for %d pages before the first file', async (pages) => {
    startOver();
    writeFileSync(logFile(disk), '');
    fill();
    truncateSync(`${disk}/filler`, statSync(`${disk}/filler`).size - pages * 4096);
    for (let session = 0; session < 3; session++) {
      const smtpd = await Smtpd.start(disk);
      for (let i = 0; i < 200; i++) expect(await smtpd.ask(requestFor(i))).toMatch(/^action=/);
      await smtpd.stop();
      expect(smtpd.deaths).toBe(0);
    }
    rmSync(`${disk}/filler`);
    const smtpd = await Smtpd.start(disk);
    expect(await smtpd.ask(requestFor(1000))).toBe(deferred);
    await smtpd.stop();
    expectUnharmed();
  });

  // So many are enough for a new database, and not for what is in the old one.
  test.each([0, 50])(
    'full but for %d pages when damage is found: what is left is saved later',
    async (pages) => {
      startOver();
      const before = await Smtpd.start(disk, '--auto-whitelist', '0');
      for (let i = 0; i < 2000; i++) expect(await before.ask(requestFor(i))).toBe(deferred);
      await until(async () => (await before.ask(requestFor(1999))) === dunno);
      await before.stop();
      const bytes = readFileSync(file(disk));
      for (let page = 8; page * 4096 < bytes.length; page += 4)
        bytes.fill('rubbish', page * 4096, (page + 1) * 4096);
      writeFileSync(file(disk), bytes);
      fill();
      truncateSync(`${disk}/filler`, statSync(`${disk}/filler`).size - pages * 4096);
      const smtpd = await Smtpd.start(disk, '--auto-whitelist', '0');
      // Each of them meets the damage anew, and is looked at three times: of all pages some are enough.
      for (let i = 0; i < 2000; i += 10) expect(await smtpd.ask(requestFor(i))).toBe(dunno);
      expect(setAside(disk)).toEqual([]);
      rmSync(`${disk}/filler`);
      let known = 0;
      for (let i = 0; i < 2000; i++) if ((await smtpd.ask(requestFor(i))) === dunno) known++;
      await smtpd.stop();
      expect(before.deaths + smtpd.deaths).toBe(0);
      expect(setAside(disk)).toHaveLength(1);
      expect(known).toBeGreaterThan(1000);
      expect(known).toBeLessThan(2000);
      startOver();
    },
  );

  test('read-only, and writable again', async () => {
    const smtpd = await Smtpd.start(disk, '--auto-whitelist', '0');
    expect(await smtpd.ask(requestFor(20_000))).toBe(deferred);
    await until(async () => (await smtpd.ask(requestFor(20_000))) === dunno);
    await smtpd.stop();
    mount('-o', 'remount,ro');
    const reader = await Smtpd.start(disk, '--on-error', 'defer', '--auto-whitelist', '0');
    expect(await reader.ask(requestFor(20_001))).toBe(deferred);
    expect(await reader.ask(requestFor(20_000))).toBe(dunno); // who is known is known all the same
    mount('-o', 'remount,rw');
    expect(await reader.ask(requestFor(20_002))).toBe(deferred);
    await until(async () => (await reader.ask(requestFor(20_002))) === dunno);
    expect(await reader.ask(requestFor(20_000))).toBe(dunno);
    await reader.stop();
    expect(reader.deaths).toBe(0);
    expectUnharmed();
  });
});

// Where a file system writes everything to a new place, even a byte of LMDB's lock file needs space: SIGBUS otherwise.
suite('a disk that copies', ['root', 'btrfs'], () => {
  const own = useScratch('of all');
  const place = path.join(own.path, 'disk');
  const filler = path.join(place, 'filler');

  beforeAll(() => {
    mkdirSync(place);
    const image = path.join(own.path, 'image');
    writeFileSync(image, '');
    truncateSync(image, 120 * 2 ** 20);
    execFileSync('mkfs.btrfs', ['-q', image]);
    execFileSync('mount', ['-o', 'loop', image, place]);
  });
  afterAll(() => void execFileSync('umount', ['-l', place]));

  const fillUp = () => {
    for (const [i, size] of ['1M', '4k', '512'].entries())
      spawnSync('dd', ['if=/dev/zero', `of=${filler}${i}`, `bs=${size}`], { stdio: 'ignore' });
    execFileSync('sync', ['-f', place]);
  };
  const free = () => {
    for (const i of [0, 1, 2]) rmSync(`${filler}${i}`);
    execFileSync('sync', ['-f', place]);
  };

  test('full and free again, while a state is held and before there is a file', async () => {
    fillUp();
    const first = await Smtpd.start(place);
    expect(await first.ask(requestFor(1))).toBe(dunno);
    free();
    await until(async () => (await first.ask(requestFor(2))) === deferred);
    const smtpd = await Smtpd.start(place, '--auto-whitelist', '0');
    for (let i = 10; i < 300; i++) expect(await smtpd.ask(requestFor(i))).toBe(deferred);
    await until(async () => (await smtpd.ask(requestFor(299))) === dunno);
    await until(() => isEmptied(place));
    fillUp();
    for (let i = 300; i < 400; i++) expect(await smtpd.ask(requestFor(i))).toMatch(/^action=/);
    const newcomer = await Smtpd.start(place, '--on-error', 'defer');
    expect(await newcomer.ask(requestFor(400))).toBe(deferred);
    expect(await newcomer.ask(requestFor(299))).toBe(dunno);
    await newcomer.stop();
    free();
    await until(async () => (await smtpd.ask(requestFor(500))) === deferred);
    await until(async () => (await smtpd.ask(requestFor(500))) === dunno);
    fillUp();
    await smtpd.stop();
    await first.stop();
    expect(smtpd.deaths + first.deaths + newcomer.deaths).toBe(0);
    free();
    expectUnharmed(place);
  });

  test('full while a command reads: it comes to its end, and Node does not close what would be written to', async () => {
    const within = path.join(place, 'read');
    mkdirSync(within);
    const editor = openEditor(file(within));
    fillWith(editor, 0, 3000);
    editor.close();
    execFileSync('sync', ['-f', place]);
    // The disk is full once it reads with a reader's slot: 64 bytes each, at 16 the transaction, then the process.
    const preloaded = path.join(own.path, 'full.cjs');
    writeFileSync(
      preloaded,
      `const fs = require('node:fs');
       const { execFileSync, spawnSync } = require('node:child_process');
       const { readSync, readFileSync } = fs;
       const isHeld = () => {
         const slots = readFileSync('${file(within)}-lock');
         for (let at = 192; at + 64 <= slots.length; at += 64)
           if (slots.readUInt32LE(at + 24) === process.pid && slots.readBigInt64LE(at + 16) !== -1n) return true;
         return false;
       };
       const watched = (...how) => {
         fs.readSync = readSync;
         if (isHeld()) {
           execFileSync('sync', ['-f', '${place}']);
           for (const [i, size] of ['1M', '4k', '512'].entries())
             spawnSync('dd', ['if=/dev/zero', 'of=${filler}' + i, 'bs=' + size]);
           execFileSync('sync', ['-f', '${place}']);
         } else fs.readSync = watched;
         return readSync(...how);
       };
       fs.readSync = watched;`,
    );
    const [node, ...words] = greylatch('verify', '--db', file(within));
    const { status, signal, stdout } = spawnSync(node!, ['--require', preloaded, ...words], {
      encoding: 'utf8',
    });
    const isFull = existsSync(`${filler}2`);
    free();
    expect({ status, signal, isFull }).toEqual({ status: 0, signal: null, isFull: true });
    expect(stdout).toMatch(/: sound\n {2}3,000 triples waiting/);
  });

  test('a quota is used up, of which statfs(2) says nothing, and raised again', async () => {
    const within = path.join(place, 'within');
    const limit = (size: string) => execFileSync('btrfs', ['qgroup', 'limit', size, within]);
    execFileSync('btrfs', ['subvolume', 'create', within], { stdio: 'ignore' });
    execFileSync('btrfs', ['quota', 'enable', place]);
    limit('3M');
    const first = await Smtpd.start(within);
    expect(await first.ask(requestFor(1))).toBe(deferred);
    await until(async () => (await first.ask(requestFor(1))) === dunno && isEmptied(within));
    await first.stop();
    spawnSync('dd', ['if=/dev/zero', `of=${within}/filler`, 'bs=4k'], { stdio: 'ignore' });
    execFileSync('sync', ['-f', place]);
    const smtpd = await Smtpd.start(within, '--on-error', 'defer');
    expect(await smtpd.ask(requestFor(1))).toBe(dunno);
    for (let i = 2; i < 100; i++) expect(await smtpd.ask(requestFor(i))).toBe(deferred);
    expect(smtpd.deaths).toBe(0);
    const [node, ...words] = greylatch('verify', '--db', file(within));
    expect(spawnSync(node!, words, { encoding: 'utf8' })).toMatchObject({ status: 0 });
    limit('none');
    await until(async () => (await smtpd.ask(requestFor(500))) === dunno);
    await smtpd.stop();
    expectUnharmed(within);
  });
});
