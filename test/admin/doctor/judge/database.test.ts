// Where the database lies, on planted facts: file systems, space and rights that this machine does not have.
import { expect, test } from 'vitest';
import { judge } from '../../../../src/admin/doctor/judge.ts';
import { amiss, DATABASE, facts, inode, NOBODY, only, place } from '../healthy.ts';

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

test('what is said of one that is well', () => {
  const said = (wrong: Partial<typeof DATABASE>) =>
    judge(facts(database(wrong))).find(({ check }) => check === 'database')!.what;
  expect(said({})).toBe('its head is sound; the user nobody can use its directory');
  expect(said({ looked: false })).toMatch(/^was not looked into; /);
  expect(said({ looked: false, file: place(DATABASE.path, undefined) })).toMatch(/^will be made /);
  const closed = { ...place(DATABASE.path, undefined), reason: 'EACCES' };
  expect(said({ looked: false, file: closed })).toMatch(/^was not looked into; /);
});

test('the directory is not there, or not reached', () => {
  const directory = place('/var/mta', undefined);
  expect(amiss(database({ directory }))).toMatchObject([
    {
      severity: 'error',
      check: 'directory',
      mend: 'mkdir -p /var/mta && chown nobody /var/mta && chmod 700 /var/mta',
    },
  ]);
  const loop = { ...directory, reason: 'ELOOP' };
  // One that cannot be looked at is no place of which more could be said.
  expect(amiss(database({ directory: loop, place: 'no place' }))).toMatchObject([
    { severity: 'error', check: 'directory', what: '/var/mta cannot be reached (ELOOP)' },
  ]);
  const [above] = amiss(
    database({ directory: place('/x/mta', inode('/x/mta', 0o700, NOBODY.uid), inode('/x', 0o700, 0)) }),
  );
  expect(above).toMatchObject({ check: 'directory', mend: 'chmod a+x /x' });
});

test('who is to have it where the user is not known', () => {
  const found = amiss({
    entry: { account: undefined, database: { ...DATABASE, directory: place('/x', undefined) } },
  });
  expect(found.find(({ check }) => check === 'directory')!.mend).toContain('chown nobody /x');
});

test('it is given to whom the filter runs as, and what the directory says already is not said twice', () => {
  const directory = place('/var/mta', inode('/var/mta', 0o700, 0));
  const account = { ...NOBODY, name: 'mta' };
  expect(only({ entry: { account, database: { ...DATABASE, directory, place: 'closed' } } })).toMatchObject({
    check: 'directory',
    mend: 'chown mta /var/mta && chmod 700 /var/mta',
  });
});

test('what doctor itself may not look at is no place of which more could be said', () => {
  const directory = { ...place('/var/mta', undefined), reason: 'EACCES' };
  expect(amiss(database({ directory, place: 'closed' }))).toEqual([]);
});

test('a link, and a place that a filter refuses', () => {
  expect(only(database({ isLink: true, place: 'is a link' }))).toMatchObject({
    severity: 'error',
    check: 'link',
  });
  const what = 'is no regular file';
  expect(only(database({ place: what }))).toMatchObject({ severity: 'error', check: 'place', what });
});

test('files of another user, and what is no file', () => {
  const lock = place(`${DATABASE.path}-lock`, inode(`${DATABASE.path}-lock`, 0o600, 0, 'file'));
  expect(only(database({ lock }))).toMatchObject({
    severity: 'error',
    check: 'file',
    mend: `chown nobody ${lock.path} && chmod 600 ${lock.path}`,
  });
  const directory = place(DATABASE.path, inode(DATABASE.path, 0o777, 0));
  expect(amiss(database({ file: directory }))).toEqual([]);
});

test('what was set aside, and what a killed command left', () => {
  expect(only(database({ aside: ['greylist.mdb.damaged-20260101T000000Z'] }))).toMatchObject({
    severity: 'note',
    check: 'aside',
    mend: 'when nothing is missing: rm /var/mta/greylist.mdb.damaged-*',
  });
  expect(only(database({ litter: ['/var/mta/greylist.mdb.new-1', '/var/mta/x'] }))).toMatchObject({
    severity: 'note',
    check: 'litter',
    mend: 'or by hand: rm /var/mta/greylist.mdb.new-1 /var/mta/x',
  });
});

test('space where the file system says nothing of it, or is none that is mounted', () => {
  const space = { ...DATABASE.space!, free: 0, size: 0 };
  expect(amiss(database({ space }))).toEqual([]); // as some file systems in user space say
  const [found] = amiss(database({ mount: undefined, space: { ...DATABASE.space!, free: 0 } }));
  expect(found).toMatchObject({
    check: 'space',
    where: DATABASE.path,
    mend: expect.stringContaining('du -xh / '),
  });
  const few = { ...DATABASE.space!, freeInodes: 0 };
  const [inodes] = amiss(database({ mount: { ...DATABASE.mount!, point: '/srv' }, space: few }));
  expect(inodes!.mend).toContain('--inodes /srv |');
  expect(amiss(database({ space: { ...few, freeInodes: 100, free: 64 * 2 ** 20 } }))).toEqual([]);
});
