// Where the database lies, on planted facts: file systems, space and rights that this machine does not have.
import { expect, test } from 'vitest';
import { amiss, DATABASE, inode, NOBODY, only, place } from '../healthy.ts';

const database = (wrong: Partial<typeof DATABASE>) => ({ entry: { database: { ...DATABASE, ...wrong } } });

test.each([
  ['nfs4', 'error', 'network'],
  ['cifs', 'error', 'network'],
  ['fuse.sshfs', 'error', 'network'],
  ['tmpfs', 'note', 'fleeting'],
  ['overlay', 'note', 'fleeting'],
])('on %s: %s', (type, severity, check) => {
  expect(only(database({ mount: { point: '/var', type, readOnly: false } }))).toMatchObject({
    severity,
    check,
    where: '/var',
  });
});

test.each(['ext4', 'xfs', 'btrfs', 'zfs', 'fuse.mergerfs'])('on %s: well', (type) => {
  expect(amiss(database({ mount: { point: '/', type, readOnly: false } }))).toEqual([]);
});

test('on a read-only file system', () => {
  const found = amiss(
    database({
      mount: { point: '/var', type: 'ext4', readOnly: true },
      place: 'cannot open /var/mta/greylist.mdb: the file system is read-only',
    }),
  );
  expect(found.map(({ check }) => check)).toContain('read-only');
});

test('space and inodes', () => {
  const space = DATABASE.space!;
  expect(only(database({ space: { ...space, free: 2 ** 20 } }))).toMatchObject({
    severity: 'warning',
    check: 'space',
    what: expect.stringContaining('only 1 MiB left'),
  });
  expect(only(database({ space: { ...space, freeInodes: 1 } }))).toMatchObject({
    severity: 'warning',
    check: 'inodes',
    what: expect.stringContaining('1 inode left'),
  });
  expect(amiss(database({ space: { ...space, inodes: 0, freeInodes: 0 } }))).toEqual([]); // btrfs counts none
});

test('a directory above that anybody can replace; the sticky bit keeps it', () => {
  const below = (mode: number) =>
    database({
      directory: place('/srv/x/mta', inode('/srv/x/mta', 0o700, NOBODY.uid), inode('/srv/x', mode, 0)),
    });
  expect(only(below(0o777))).toMatchObject({
    severity: 'warning',
    check: 'world-writable',
    mend: 'chmod o-w /srv/x',
  });
  expect(amiss(below(0o1777))).toEqual([]);
});

test('not there yet', () => {
  expect(
    amiss(
      database({ file: place(DATABASE.path, undefined), lock: place(`${DATABASE.path}-lock`, undefined) }),
    ),
  ).toEqual([]);
});

test.each([
  ['others have files there', { shared: true }, '/srv/spool', 0o755],
  ['it is a place for everybody', {}, '/srv/tmp', 0o1777],
])('a directory that is not ours alone is given to nobody: %s', (_, facts, where, mode) => {
  const directory = place(where, inode(where, mode, 0));
  const found = amiss(database({ path: `${where}/greylist.mdb`, directory, ...facts }));
  expect(found.length).toBeGreaterThan(0);
  for (const { mend } of found) {
    expect(mend).toContain('mkdir -p /var/mta && chown nobody /var/mta && chmod 700 /var/mta');
    expect(mend).toContain('--db /var/mta/greylist.mdb');
    expect(mend).not.toMatch(new RegExp(`(chown nobody|chmod 700) ${where}`));
  }
});

test('a database in a directory that others use is moved, not left behind', () => {
  const directory = place('/srv/spool', inode('/srv/spool', 0o755, 0));
  const where = '/srv/spool/greylist.mdb';
  const facts = { path: where, directory, shared: true };
  expect(only(database(facts)).mend).toContain(
    '/var/mta && mv /srv/spool/greylist.mdb* /var/mta/, and in argv=',
  );
  const file = place(where, undefined);
  expect(only(database({ ...facts, file })).mend).not.toContain('mv');
});
