// The administrator's side: reading all, changing some, while the filters go on.
import { expect, test } from 'vitest';
import type { Entry } from '../../../src/store/admin/entry.ts';
import { readAddress } from '../../../src/store/fleet/address.ts';
import { newEditor } from '../../../src/store/fleet/edit.ts';
import { connect, scanFleet } from '../../../src/store/fleet/scan.ts';
import { startEngine } from '../../fleet/engine.ts';
import { makeHosts, PATIENT, request } from '../../fleet/hosts.ts';
import { suite } from '../../support/needs.ts';
import { deferred, dunno } from '../../support/requests.ts';
import { testScratch } from '../../support/scratch.ts';

const NO_SECRETS = { password: undefined, sentinelPassword: undefined, tls: undefined };
const limits = { retryWindow: 172_800, maxAge: 3_024_000, maxWaiting: 0 };

suite('the records of a fleet', ['redis'], () => {
  test('all are read once, a record is changed under the filters’ eyes, and forgotten', async () => {
    const scratch = testScratch();
    const engine = await startEngine(scratch.path);
    const url = `redis://127.0.0.1:${engine.port}`;
    const { make, close } = makeHosts(scratch.path, url);
    const client = await connect(readAddress(url), NO_SECRETS, 0);
    try {
      await engine.admin.set('gl{not ours', 'x');
      const session = await make('one').start(...PATIENT);
      for (let n = 0; n < 1200; n++) session.send(request(n));
      await session.replies(1200);
      const read = async () => {
        const found: Entry[] = [];
        for await (const page of (await scanFleet(client, () => {})).pages) found.push(...page);
        return found;
      };
      const found = await read();
      expect(found).toHaveLength(1200);
      expect(new Set(found.map((entry) => entry.client)).size).toBe(1200);
      const now = Math.floor(Date.now() / 1000);
      const editor = newEditor(client, limits, () => now);
      const name = { client: '10.1.0.7', sender: 's7@example.org', recipient: 'r@example.net' };
      const released = (before: Entry | undefined): Entry =>
        ({ ...(before as Entry), firstSeen: now - 3600 }) as Entry;
      expect(await editor.change([{ name, change: released }])).toBe(1);
      expect(await session.ask(request(7))).toBe(dunno);
      expect(await session.ask(request(8))).toBe(deferred);
      expect(await editor.change([{ name, change: () => 'forget' }])).toBe(1);
      expect(await editor.change([{ name, change: () => 'forget' }])).toBe(0);
      const put: Entry = { kind: 'client', client: '10.9.9.9', comeBacks: 99, lastSeen: now };
      expect(await editor.change([{ name: { client: put.client }, change: () => put }])).toBe(1);
      expect((await read()).filter((entry) => entry.client === '10.9.9.9')).toEqual([put]);
    } finally {
      client.disconnect();
      await close();
      await engine.stop();
    }
  });

  test('an engine that cannot be used: what is wrong and what to do', async () => {
    const scratch = testScratch();
    const engine = await startEngine(scratch.path, { words: ['--requirepass', 'x'], password: 'x' });
    const address = readAddress(`redis://127.0.0.1:${engine.port}`);
    await expect(connect(address, NO_SECRETS, 0)).rejects.toThrow(/--store-password-file/);
    await engine.stop();
    await expect(connect(address, NO_SECRETS, 0)).rejects.toThrow(/ECONNREFUSED/);
  });
});
