// Changing the releases on record, for release, forget and purge: one list, in one record of the house.
import { MOST_TEXT } from '../store/admin/change.ts';
import { RELEASES, type Release, readReleases, writeReleases } from '../store/releases.ts';
import type { Editor } from './records.ts';
import { plural } from './text.ts';

/** Replaces the releases by what `change` makes of them. Throws an Error for the user where they do not fit. */
export async function changeReleases(
  editor: Editor,
  change: (before: readonly Release[]) => readonly Release[],
): Promise<void> {
  await editor.changeJointly([
    {
      names: [{ house: RELEASES }],
      change([record]) {
        const before = readReleases(record?.kind === 'house' ? record.text : undefined);
        const after = change(before);
        if (writeReleases(after) === writeReleases(before)) return [undefined];
        if (after.length === 0) return ['forget'];
        const text = writeReleases(after);
        if (text.length > MOST_TEXT) {
          throw new Error(
            `${plural(before.length, 'release')} at once are as many as fit; take some back (greylatch forget), or wait`,
          );
        }
        return [{ kind: 'house', text }];
      },
    },
  ]);
}
