// The thread that asks the engine dies: the filter goes on by itself, and starts it again.
import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { journalPath } from '../../src/store/fleet/journal.ts';
import { sweepAfter } from '../support/clock.ts';
import { startFilter } from '../support/filter.ts';
import { suite } from '../support/needs.ts';
import { project } from '../support/project.ts';
import { deferred } from '../support/requests.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startEngine } from './engine.ts';
import { PATIENT, request } from './hosts.ts';

suite('the thread of --store', ['redis'], () => {
  test('dies as it is loaded, while npm replaces greylatch: the same filter shares again afterwards', async () => {
    const scratch = makeScratch();
    const engine = await startEngine(scratch.path);
    try {
      const place = (name: string) => path.join(scratch.path, name);
      for (const name of ['bin', 'dist', 'package.json'])
        cpSync(path.join(project, name), place(name), { recursive: true });
      symlinkSync(path.join(project, 'node_modules'), place('node_modules'));
      const whole = readFileSync(place('dist/fleet-worker.js'));
      writeFileSync(place('dist/fleet-worker.js'), "throw new Error('in part')");

      const [database, log] = [place('greylist.mdb'), place('log')];
      const url = `redis://127.0.0.1:${engine.port}`;
      const session = await startFilter(
        [process.execPath, place('bin/greylatch.js'), '--db', database, '--store', url, ...PATIENT].concat(
          '--log',
          `file:${log}`,
        ),
      );
      expect(await session.ask(request(1))).toBe(deferred);
      expect(await engine.admin.keys('gl{*')).toEqual([]);
      await until(async () => {
        await session.ask(request(1));
        return existsSync(log) && readFileSync(log, 'utf8').includes('its thread has died: in part');
      });

      writeFileSync(place('dist/fleet-worker.js'), whole);
      let n = 2;
      await until(
        async () => {
          expect(await session.ask(request(n++))).toBe(deferred);
          return !existsSync(journalPath(database)) && readFileSync(log, 'utf8').includes('is back');
        },
        () => readFileSync(log, 'utf8'),
      );
      expect((await engine.admin.keys('gl{*')).length).toBeGreaterThan(1);
      expect((await session.finish()).code).toBe(0);
      sweepAfter(session.pid);
    } finally {
      await engine.stop();
      scratch.remove();
    }
  });
});
