// Closing the environment, whatever is under way.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { BusyError, MovedError } from '../../../src/store/damage.ts';
import { isStopped } from '../../../src/store/disk/alive.ts';
import { flushBehind } from '../../../src/store/lmdb/durable.ts';
import { KEY_AT, valueAt } from '../../../src/store/lmdb/instruction.ts';
import { openWriter } from '../../../src/store/lmdb/open.ts';
import { closeWriter, putRecord, transact } from '../../../src/store/lmdb/writer.ts';
import { readHead } from '../../../src/store/pages/file.ts';
import { lockPath } from '../../../src/store/pages/lock.ts';
import { verify } from '../../../src/store/pages/verify.ts';
import * as key from '../../../src/store/records/key.ts';
import * as record from '../../../src/store/records/record.ts';
import { project } from '../../support/project.ts';
import { makeScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { putNumber } from '../filled.ts';

test('a writer can be closed while the disk still works on a flush', () => {
  const scratch = makeScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  transact(writer, () => {
    const { bytes, key: out } = writer.instruction;
    const length = key.writeClient(out, 0, '192.0.2.1', false);
    record.writeClient(bytes, KEY_AT, length, valueAt(length), { comeBacks: 1, lastSeen: 86_400 });
    return putRecord(writer, length, record.CLIENT_SIZE);
  });
  flushBehind(writer, () => {});
  expect(writer.flushing?.pin).toBeDefined();
  closeWriter(writer);
  expect(verify(place, () => {})).toMatchObject({ problems: [] });
  scratch.remove();
});

test('what was committed to a file that was set aside meanwhile does not count', () => {
  const scratch = makeScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  const before = writer.committed;
  expect(() =>
    transact(writer, () => {
      rmSync(lockPath(place)); // whoever sets it aside does that first
      renameSync(place, `${place}.damaged`);
      return putNumber(writer, 1, 1000);
    }),
  ).toThrow(MovedError);
  expect(writer.committed).toBe(before);
  closeWriter(writer);
  scratch.remove();
});

test('where the lock file is removed during a transaction, nothing is written: others have another lock by then', () => {
  const scratch = makeScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  const writer = openWriter(place);
  const { txnid } = readHead(writer.file);
  expect(() =>
    transact(writer, () => {
      rmSync(lockPath(place));
      return putNumber(writer, 1, 1000);
    }),
  ).toThrow(MovedError);
  expect(readHead(writer.file).txnid).toBe(txnid);
  closeWriter(writer);
  scratch.remove();
});

test('whoever makes a new lock file waits before that, or others would not', () => {
  const scratch = makeScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  closeWriter(openWriter(place));
  rmSync(lockPath(place));
  const there: boolean[] = [];
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    there.push(existsSync(lockPath(place)));
    return 'timed-out';
  });
  closeWriter(openWriter(place));
  wait.mockRestore();
  expect(there).toEqual([false]);
  scratch.remove();
});

/** A process that has the database open and is stopped within a transaction. */
async function stopWithin(database: string): Promise<ChildProcess> {
  const open = `
    const addon = require('@lmdb/lmdb-linux-x64/node.napi.glibc.node');
    addon.getEnvsPointer();
    const env = new addon.Env();
    const keyBytes = Buffer.allocUnsafeSlow(4096);
    const [path, mapSize] = [${JSON.stringify(database)}, 2 ** 30];
    env.open({ path, keyBytes, maxDbs: 0, maxReaders: 60, permissionsMode: 0o600, mapSize }, 0x4000, 0);
    env.beginTxn(0x10002);
    process.kill(process.pid, 'SIGSTOP');`;
  const child = spawn(process.execPath, ['-e', open], { cwd: project, stdio: 'ignore' });
  await until(() => isStopped(child.pid!));
  return child;
}

test('nobody begins a transaction under a new lock file while another is within one under the old', async () => {
  const scratch = makeScratch();
  const place = path.join(scratch.path, 'greylist.mdb');
  closeWriter(openWriter(place));
  const stopped = await stopWithin(place);
  rmSync(lockPath(place));
  expect(() => openWriter(place)).toThrow(BusyError);
  expect(() => openWriter(place)).toThrow(`was removed while process ${stopped.pid} held it`);
  expect(existsSync(lockPath(place))).toBe(false); // or the next one would
  stopped.kill('SIGKILL');
  await once(stopped, 'exit');
  closeWriter(openWriter(place));
  scratch.remove();
});
