// Gathers facts about a database and the place where it lies. Judges nothing, changes nothing.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { DamageError } from '../../store/damage.ts';
import { litterBeside } from '../../store/disk/files.ts';
import { checkPlace } from '../../store/disk/place.ts';
import { SECRET_BYTES, secretPath } from '../../store/disk/secret.ts';
import { withFile } from '../../store/pages/file.ts';
import { readHead } from '../../store/pages/head.ts';
import { lockPath } from '../../store/pages/lock.ts';
import { queuePath } from '../../store/queue/read.ts';
import { foreign, wasDatabase } from '../../store/rescue/ours.ts';
import { damagedFiles } from '../../store/rescue/recover.ts';
import { attempt } from '../attempt.ts';
import type { Place } from './permissions.ts';
import { isLink, lookAt, type Mount, mountOf, readMounts, realpath, type Space, spaceAt } from './system.ts';

export interface Database {
  path: string;
  isLink: boolean;
  directory: Place;
  file: Place;
  lock: Place;
  queue: Place;
  /** The key of --privacy, where filters use it, and whether it looks like one. */
  key: { place: Place; isKey: boolean } | undefined;
  /** False where doctor may not read the file, since it does not run as root; then what follows is not known. */
  looked: boolean;
  /** Why a filter would refuse the place, '' if it would not. */
  place: string;
  /** What is wrong with the head of the file, '' for nothing. */
  damage: string;
  /** Damaged files that were set aside. */
  aside: string[];
  /** What commands and filters that were killed have left half made. */
  litter: string[];
  /** Whether other programs' files lie, or may lie, in its directory, which then must not be given to the filter's user. */
  shared: boolean;
  mount: Mount | undefined;
  space: Space | undefined;
}

/** The files that may lie in a directory of ours alone, greylist.pl's database among them. */
const OURS = /^grey(list|latch)/;

export function gatherDatabase(file: string, privacy = false): Database {
  const directory = path.dirname(file);
  const beside = attempt(() => readdirSync(directory)) ?? [];
  const looked = process.getuid?.() === 0;
  return {
    path: file,
    isLink: isLink(file),
    directory: lookAt(directory),
    file: lookAt(file),
    lock: lookAt(lockPath(file)),
    queue: lookAt(queuePath(file)),
    key: privacy ? gatherKey(secretPath(file)) : undefined,
    looked,
    ...(looked ? lookInto(file) : { place: '', damage: '' }),
    aside: (attempt(() => damagedFiles(file)) ?? []).map(({ name }) => path.basename(name)).sort(),
    litter: [file, lockPath(file), queuePath(file)].flatMap(
      (each) => attempt(() => litterBeside(each)) ?? [],
    ),
    shared: beside.some((name) => !name.startsWith(path.basename(file)) && !OURS.test(name)),
    mount: mountOf(realpath(directory) ?? directory, readMounts()),
    space: spaceAt(directory),
  };
}

function gatherKey(file: string): Database['key'] {
  const size = attempt(() => statSync(file).size);
  return { place: lookAt(file), isKey: size === undefined || size === SECRET_BYTES };
}

/** What a filter would find at its first look. */
function lookInto(file: string): Pick<Database, 'place' | 'damage'> {
  try {
    checkPlace(file);
    withFile(file, (opened) => readHead(opened));
    return { place: '', damage: '' };
  } catch (error) {
    const { message } = error as Error;
    if (!(error instanceof DamageError)) return { place: message, damage: '' };
    return wasDatabase(file) ? { place: '', damage: message } : { place: foreign(file, message), damage: '' };
  }
}
