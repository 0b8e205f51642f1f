// How spawn(8) is to run the program, of a service's words in master.cf.
import { expect, test } from 'vitest';
import { readInvocation } from '../../../src/admin/doctor/spawn.ts';
import { serviceOf } from './healthy.ts';

const same = (word: string) => word;
const spawned = (rest: string, resolve = same) =>
  readInvocation(serviceOf(`policy unix - n n - 0 spawn ${rest}`), resolve);

test('user, group, Node with options of its own, and options with blanks', () => {
  expect(
    spawned(
      '-v -o policy_time_limit=5 user=grey:mail argv=/usr/bin/node --max-old-space-size=64 /usr/local/bin/greylatch --text { Come { back } later } --delay 5m',
    ),
  ).toMatchObject({
    user: 'grey',
    group: 'mail',
    unknown: undefined,
    node: '/usr/bin/node',
    script: '/usr/local/bin/greylatch',
    program: ['/usr/bin/node', '--max-old-space-size=64', '/usr/local/bin/greylatch'],
    settings: { text: 'Come { back } later', delay: 300 },
  });
});

test('by the first line of the script, and by another name', () => {
  expect(spawned('user=nobody argv=/usr/local/bin/greylatch')).toMatchObject({
    node: undefined,
    program: ['/usr/local/bin/greylatch'],
  });
  const resolve = (word: string) => (word === '/usr/libexec/grey' ? '/opt/greylatch/bin/greylatch.js' : word);
  expect(spawned('user=nobody argv=/usr/bin/node20 /usr/libexec/grey', resolve)).toMatchObject({
    node: '/usr/bin/node20',
    script: '/usr/libexec/grey',
  });
});

test('what is missing or wrong', () => {
  expect(spawned('argv=/usr/bin/node /usr/local/bin/greylatch')).toMatchObject({ user: '' });
  expect(spawned('USER=a cwd=/ argv=/usr/local/bin/greylatch')).toMatchObject({
    user: 'a',
    unknown: 'cwd=/',
  });
  expect(spawned('user=a argv=/usr/local/bin/greylatch --colour red')).toMatchObject({
    settings: undefined,
    usage: '--colour: no such option',
  });
});

test('other programs, and greylatch under other services', () => {
  expect(spawned('user=nobody argv=/usr/bin/perl /usr/libexec/greylist.pl')).toBeUndefined();
  expect(
    readInvocation(serviceOf('x unix - n n - 0 pipe user=nobody argv=/usr/local/bin/greylatch'), same),
  ).toBeUndefined();
});
