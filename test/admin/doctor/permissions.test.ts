// Whether a user may, as the kernel decides; and who is kept out learns where.
import { expect, test } from 'vitest';
import { denied, may } from '../../../src/admin/doctor/permissions.ts';
import { inode, NOBODY, place } from './healthy.ts';

test('the first of owner, group and others decides, as in the kernel', () => {
  const user = { name: 'u', uid: 10, gid: 20 };
  const of = (mode: number, uid: number, gid: number) => ({ ...inode('/x', mode, uid), gid });
  expect(may(user, of(0o077, 10, 20), 'read')).toBe(false);
  expect(may(user, of(0o400, 10, 0), 'read')).toBe(true);
  expect(may(user, of(0o707, 1, 20), 'write')).toBe(false);
  expect(may(user, of(0o020, 1, 20), 'write')).toBe(true);
  expect(may(user, of(0o001, 1, 2), 'search')).toBe(true);
  expect(may({ ...user, uid: 0 }, of(0, 1, 2), 'write')).toBe(true);
});

test('who is kept out learns where', () => {
  const file = inode('/a/b/f', 0o640, 0, 'file');
  expect(denied(NOBODY, place('/a/b/f', file, inode('/a', 0o755, 0), inode('/a/b', 0o750, 0)), 'read')).toBe(
    'the user nobody may not search /a/b (mode 0750, owner root)',
  );
  expect(denied(NOBODY, place('/a/b/f', file, inode('/a/b', 0o755, 0)), 'read')).toBe(
    'the user nobody may not read /a/b/f (mode 0640, owner root)',
  );
  expect(denied(NOBODY, place('/a/b/f', undefined), 'read')).toBe('/a/b/f does not exist');
  // the one who asks may not look: nothing is known of the user
  expect(denied(NOBODY, { ...place('/a/b/f', undefined), reason: 'EACCES' }, 'read')).toBe('');
});
