// What is gathered of a service, where that is not simply what its words say.
import { expect, test } from 'vitest';
import { gather } from '../../../src/admin/doctor/gather.ts';
import { parseServices } from '../../../src/admin/doctor/postconf.ts';
import { SPAWN_PATH } from '../../../src/admin/doctor/system.ts';
import { makeScratch } from '../../support/scratch.ts';

test('a command without a directory is looked for in the PATH that spawn(8) leaves, as execvp(3) does', () => {
  const scratch = makeScratch();
  try {
    const queue = scratch.path;
    const nodeOf = (argv: string) => {
      const services = parseServices(`policy unix - n n - 0 spawn user=nobody argv=${argv}\n`, '');
      const configuration = { directory: queue, option: '', version: '', services, remarks: [] };
      const { entries } = gather({ ...configuration, parameters: { queue_directory: queue } }, undefined);
      return entries[0]?.nodePlace?.path;
    };
    expect([undefined, ...SPAWN_PATH.split(':').map((directory) => `${directory}/node`)]).toContain(
      nodeOf('node /opt/greylatch'),
    );
    expect(nodeOf('node20.99999 /opt/greylatch')).toBeUndefined();
    expect(nodeOf('./node /opt/greylatch')).toBe(`${queue}/node`);
    expect(nodeOf('/opt/node /opt/greylatch')).toBe('/opt/node');
  } finally {
    scratch.remove();
  }
});
