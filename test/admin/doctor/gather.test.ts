// What is gathered of a service, where that is not simply what its words say.
import { expect, test } from 'vitest';
import { gather } from '../../../src/admin/doctor/gather.ts';
import { parseParameters, parseServices } from '../../../src/admin/doctor/postconf.ts';
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

test('programs that do not exist, of services that smtpd asks, where none of them is greylatch', () => {
  const scratch = makeScratch();
  try {
    const queue = scratch.path;
    const mistyped = (argv: string, asked = 'unix:private/policy') => {
      const line = `policy unix - n n - 0 spawn user=nobody argv=${argv}\nsmtp inet n - n - - smtpd\n`;
      const parameters = {
        ...parseParameters(`smtpd_recipient_restrictions = check_policy_service ${asked}`),
        queue_directory: queue,
      };
      const services = parseServices(line, '');
      const configuration = { directory: queue, option: '', version: '', services, remarks: [], parameters };
      return gather(configuration, undefined).mistyped;
    };
    const node = process.execPath;
    const wrong = [{ name: 'policy/unix', program: '/nowhere/greylach' }];
    expect(mistyped(`${node} --v8-pool-size=1 /nowhere/greylach --db /nowhere/db --text x`)).toEqual(wrong);
    expect(mistyped('/nowhere/greylach')).toEqual(wrong);
    expect(mistyped(`${node} /nowhere/greylatch`)).toEqual([]);
    expect(mistyped(node)).toEqual([]);
    expect(mistyped('/nowhere/greylach', 'unix:private/other')).toEqual([]);
  } finally {
    scratch.remove();
  }
});
