// What the machine says: links, file systems, accounts, processes and programs.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  isLink,
  isListening,
  lookAt,
  mountOf,
  processesOf,
  runAs,
  userNamed,
} from '../../../src/admin/doctor/system.ts';
import { testScratch } from '../../support/scratch.ts';

test('both ways of a link are searched', () => {
  const scratch = testScratch();
  const [real, other] = ['real', 'other'].map((name) => path.join(scratch.path, name)) as [string, string];
  mkdirSync(path.join(real, 'deep'), { recursive: true });
  mkdirSync(other);
  writeFileSync(path.join(real, 'deep/file'), '');
  chmodSync(path.join(real, 'deep/file'), 0o600);
  symlinkSync(path.join(real, 'deep'), path.join(other, 'link'));
  const found = lookAt(path.join(other, 'link/file'));
  const searched = found.parents.map((parent) => parent.path);
  expect(searched).toEqual(
    expect.arrayContaining(['/', other, path.join(other, 'link'), real, path.join(real, 'deep')]),
  );
  expect(found.self).toMatchObject({ kind: 'file' });
  expect(found.self!.mode & 0o777).toBe(0o600);
  expect(isLink(path.join(other, 'link'))).toBe(true);
  expect(lookAt(path.join(other, 'gone'))).toMatchObject({ self: undefined, reason: 'ENOENT' });
});

test('the file system of a path, of mountinfo', () => {
  const mountinfo = `26 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 26 0:30 / /var rw,relatime shared:1 master:2 - xfs /dev/vdb rw
31 30 0:31 / /var/mta rw - tmpfs tmpfs rw
32 31 0:32 / /var/mta rw - nfs4 host:/x rw
33 26 0:33 / /with\\040blank ro,noexec - ext4 /dev/vdc rw
34 26 0:34 / /super rw - ext4 /dev/vdd ro
`;
  const type = (wanted: string) => mountOf(wanted, mountinfo)?.type;
  expect(
    ['/etc', '/var', '/var/lib', '/var/mta', '/var/mta/x', '/various', '/with blank/x'].map(type),
  ).toEqual(['ext4', 'xfs', 'xfs', 'nfs4', 'nfs4', 'ext4', 'ext4']);
  expect(['/with blank', '/super/x', '/var'].map((wanted) => mountOf(wanted, mountinfo)!.readOnly)).toEqual([
    true,
    true,
    false,
  ]);
  expect(mountOf('/x', '')).toBeUndefined();
});

test('who listens, of /proc/net/unix, where small numbers of inodes are padded', () => {
  const table = `Num       RefCount Protocol Flags    Type St Inode Path
000000002a41b09e: 00000002 00000000 00010000 0001 01   563 private/policy
000000000f0be33c: 00000002 00000000 00010000 0001 01 10546 /run/with blank
0000000069a3a441: 00000003 00000000 00000000 0001 03 10547 private/rewrite
`;
  const sockets = ['/queue/private/policy', '/run/with blank', '/queue/private/rewrite', '/private/policy'];
  expect(sockets.map((socket) => isListening(socket, '/queue', table))).toEqual([true, true, false, false]);
});

test('accounts by name only, groups on request', () => {
  expect(userNamed('root')).toEqual({ name: 'root', uid: 0, gid: 0 });
  expect(userNamed('root', 'no-such-group')).toBeUndefined();
  expect(userNamed('0')).toBeUndefined(); // getent would take it
  expect(userNamed('')).toBeUndefined();
});

test('processes of a user', () => {
  const child = spawn('sleep', ['1234'], { stdio: 'ignore' });
  try {
    expect(processesOf(process.getuid!())).toContainEqual(['sleep', '1234']);
    expect(processesOf(4_000_000)).toEqual([]);
  } finally {
    child.kill();
  }
});

test('a program that fails is told apart from one that is not there', () => {
  const me = { name: 'me', uid: process.getuid!(), gid: process.getgid!() };
  expect(runAs(me, '/', ['/bin/echo', 'hello'])).toEqual({ status: 0, out: 'hello', error: '' });
  const failing = ['/bin/sh', '-c', 'printf "\\nnode:internal:1\\nTypeError: no\\n" >&2; exit 3'];
  expect(runAs(me, '/', failing)).toEqual({ status: 3, out: '', error: 'TypeError: no' });
  expect(runAs(me, '/', ['/nonexistent/node'])).toMatchObject({
    status: null,
    error: expect.stringContaining('ENOENT'),
  });
});
