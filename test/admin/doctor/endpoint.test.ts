// Which service of master.cf the endpoint of a question leads to.
import { expect, test } from 'vitest';
import { hostAndPort, leadsTo } from '../../../src/admin/doctor/endpoint.ts';
import { serviceOf } from './healthy.ts';

const parameters = { queue_directory: '/var/spool/postfix' };
const at = (line: string) => serviceOf(`${line} spawn`);

test.each([
  ['unix:private/policy', 'policy unix - n n - 0', true],
  ['local:private/policy', 'policy unix y n n - 0', true],
  ['unix:/var/spool/postfix/private/policy', 'policy unix - n n - 0', true],
  ['unix:public/policy', 'policy unix n n n - 0', true],
  ['unix:private/policy', 'policy unix n n n - 0', false],
  ['unix:private/policy', 'policy2 unix - n n - 0', false],
  ['inet:127.0.0.1:9998', '127.0.0.1:9998 inet n n n - 0', true],
  ['inet:localhost:9998', '[::1]:9998 inet n n n - 0', true],
  ['inet:10.0.0.1:9998', '9998 inet n n n - 0', true],
  ['inet:10.0.0.1:9998', '127.0.0.1:9998 inet n n n - 0', false],
  ['inet:127.0.0.1:9999', '127.0.0.1:9998 inet n n n - 0', false],
  ['inet:127.0.0.1:policy', 'policy unix - n n - 0', false],
])('%s leads to %s: %s', (endpoint, line, leads) => {
  expect(leadsTo(endpoint, at(line), parameters)).toBe(leads);
});

test('hosts and ports', () => {
  expect(['9998', '[::1]:25', 'LOCALHOST:smtp'].map(hostAndPort)).toEqual([
    { host: '', port: '9998' },
    { host: '::1', port: '25' },
    { host: 'localhost', port: 'smtp' },
  ]);
});
