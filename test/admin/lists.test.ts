// greylatch lists audit, beside running filters.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openEditor } from '../../src/store/admin/edit.ts';
import { greylatch, startFilter } from '../support/filter.ts';
import { deferred, dunno, policyRequest } from '../support/requests.ts';
import { tripleAt, useLive } from './live.ts';

const live = useLive('of all');

test('what filters matched is counted for each entry, and clients to add are lines for the list', async () => {
  const file = (name: string) => path.join(live.directory, name);
  writeFileSync(file('clients'), 'example.com # theirs\nmx.example.com\nexample.org\n192.0.2.0/24\n');
  writeFileSync(file('only'), 'example.net\n');
  const lists = ['--whitelist-clients', file('clients'), '--only-recipients', file('only')];

  const early = await live.run('lists', 'audit', '--json', ...lists);
  expect({ status: early.status, err: early.err }).toEqual({ status: 0, err: '' });
  expect(JSON.parse(early.out).files[0].entries[2]).toMatchObject({ text: 'example.org', state: 'unused' });

  const began = Math.floor(Date.now() / 1000);
  for (const client_name of ['mx.example.com', 'mx2.example.com', 'mx.example.edu']) {
    const filter = await startFilter(greylatch('--db', live.db, ...lists));
    const request = policyRequest({ client_name, client_address: '198.51.100.7' });
    const expected = client_name === 'mx.example.edu' ? deferred : dunno;
    expect([await filter.ask(request), await filter.ask(request)]).toEqual([expected, expected]);
    expect(await filter.finish()).toMatchObject({ code: 0, rest: '' });
  }

  const editor = openEditor(live.db);
  for (const client of ['192.0.2.99', '203.0.113.1', '203.0.113.2'])
    for (let i = 0; i < 5; i++) {
      const triple = { ...tripleAt(6, live.now), client, sender: `s${i}@example.org`, wait: 600 };
      if (client === '203.0.113.2' && i === 0) triple.passed = false;
      editor.change([{ name: triple, change: () => triple }]);
    }
  editor.close();

  const { out } = await live.run('lists', 'audit', '--json', ...lists);
  const [clients, only] = JSON.parse(out).files;
  expect(clients).toMatchObject({
    file: file('clients'),
    entries: [
      { line: 1, text: 'example.com', state: 'hit', hits: 4 },
      { line: 2, state: 'shadowed', hits: 0, by: { line: 1, text: 'example.com' } },
      { line: 3, state: 'dead', hits: 0, last: 0 },
      { line: 4, state: 'dead' },
    ],
  });
  expect(clients.since).toBeGreaterThanOrEqual(began);
  expect(clients.entries[0].last).toBeGreaterThanOrEqual(began);
  expect(only.entries).toMatchObject([{ state: 'hit', hits: 2 }]);

  const shown = await live.run('lists', 'audit', ...lists);
  expect(shown.out).toMatch(/clients: 4 entries, 2 dead, 1 shadowed; hits recorded since \d{4}-/);
  expect(shown.out).toMatch(/^ +1 +4 +(now|\d+ s ago|\d+ min.*) +hit +example\.com$/m);
  expect(shown.out).toMatch(/^ +2 +0 +never +shadowed +mx\.example\.com +by example\.com \(line 1\)$/m);
  // 192.0.2.99 is listed already.
  expect(shown.out).toMatch(
    /to be added to --whitelist-clients:\n203\.0\.113\.1 +# 5 triples passed, median wait 10 min\n$/,
  );
  await live.stop();
});

test('a list that is not there, and a word that is no action, are one line', async () => {
  expect(await live.run('lists', 'audit', '--only-recipients', '/nonexistent/list')).toMatchObject({
    status: 2,
    err: expect.stringMatching(/^greylatch: \/nonexistent\/list: cannot be read: .*\n$/),
  });
  expect(await live.run('lists', 'tidy')).toEqual({
    status: 2,
    out: '',
    err: 'greylatch: lists tidy: write audit (see greylatch lists --help)\n',
  });
});
