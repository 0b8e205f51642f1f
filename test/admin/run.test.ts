// What holds for every command, whatever it does.
import { spawn } from 'node:child_process';
import { closeSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openEditor } from '../../src/store/admin/edit.ts';
import { isStopped } from '../../src/store/disk/alive.ts';
import { isHeld, openLock } from '../../src/store/pages/lock.ts';
import { fill } from '../store/filled.ts';
import { greylatch } from '../support/filter.ts';
import { project } from '../support/project.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

/** Has somebody press Ctrl-Z whenever a transaction has just begun. */
const HOOK = `
const addon = require('@lmdb/lmdb-linux-x64/node.napi.glibc.node');
addon.Env = class extends addon.Env {
  beginTxn(...how) {
    super.beginTxn(...how);
    process.kill(process.pid, 'SIGTSTP');
  }
};`;

test('Ctrl-Z stops no command within a transaction, which would keep the lock from all filters', async () => {
  const scratch = makeScratch();
  const db = path.join(scratch.path, 'greylist.mdb');
  const editor = openEditor(db);
  fill(editor, 0, 1000);
  editor.close();
  const hook = path.join(scratch.path, 'hook.cjs');
  writeFileSync(hook, HOOK.replace('@lmdb', path.join(project, 'node_modules/@lmdb')));
  const [node, ...script] = greylatch('import', '--db', db, '-');
  const command = spawn(node!, ['--require', hook, ...script], { stdio: ['pipe', 'ignore', 'ignore'] });
  await until(() => isStopped(command.pid!));
  const lock = openLock(db);
  expect(isHeld(lock)).toBe(false);
  closeSync(lock.fd);
  command.kill('SIGKILL');
  scratch.remove();
});
