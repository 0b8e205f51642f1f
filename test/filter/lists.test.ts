// Lists of exceptions under a running filter: what they let pass, and what happens when they change.
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { greylatch, startFilter } from '../support/filter.ts';
import { deferred, dunno, policyRequest } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

test('lists let pass what they name, and are read again when they change', async () => {
  const scratch = makeScratch();
  const file = (name: string) => path.join(scratch.path, name);
  writeFileSync(file('clients'), 'example.com\n');
  writeFileSync(file('recipients'), 'codes@\n/(/\n');
  const filter = await startFilter(
    greylatch(
      ...['--db', file('greylist.mdb'), '--log', `file:${file('log')}`],
      ...['--whitelist-clients', file('clients'), '--whitelist-recipients', file('recipients')],
    ),
  );
  let n = 0;
  const ask = (changes: Record<string, string>) =>
    filter.ask(policyRequest({ sender: `s${n++}@example.org`, ...changes }));
  expect(await ask({ client_name: 'mx1.example.com' })).toBe(dunno);
  expect(await ask({ client_name: 'mx1.example.edu' })).toBe(deferred);
  expect(await ask({ recipient: 'codes@example.net' })).toBe(dunno);
  writeFileSync(file('new'), 'example.edu\n');
  renameSync(file('new'), file('clients'));
  await until(async () => (await ask({ client_name: 'mx1.example.edu' })) === dunno);
  expect(await ask({ client_name: 'mx1.example.com' })).toBe(deferred);
  await filter.finish();
  scratch.remove();
});
