// Two MX hosts, each a real Postfix, that share an engine: what one has deferred the other lets in, also while nobody runs the
// engine, and no mail notices that. The filters run under spawn(8) as the user nobody, who owns the password file.
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startEngine } from '../fleet/engine.ts';
import { suite } from '../support/needs.ts';
import { testScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { copyFilter } from './copy.ts';
import { type Place, type Postfix, withPostfix } from './postfix.ts';
import { call } from './smtp.ts';
import { serviceFor } from './snippet.ts';

suite('two hosts under Postfix', ['root', 'postfix', 'nobody', 'redis'], () => {
  test('a mail that one has deferred passes at the other; without the engine each host goes on', async () => {
    const scratch = testScratch('greylatch-copy-');
    const password = ['--requirepass', 'secret', '--appendonly', 'yes'];
    let engine = await startEngine(scratch.path, { words: password, password: 'secret' });
    try {
      chmodSync(scratch.path, 0o755);
      const program = copyFilter(path.join(scratch.path, 'greylatch'));
      const file = path.join(scratch.path, 'password');
      const master = ({ mta, logs }: Place) => {
        writeFileSync(file, 'secret\n', { mode: 0o600 });
        chownSync(file, statSync(mta).uid, statSync(mta).gid);
        const store = ['--store', `redis://127.0.0.1:${engine.port}`, '--store-password-file', file];
        const own = ['--db', `${mta}/greylist.mdb`, '--log', `file:${logs}/filter.log`];
        return serviceFor([
          process.execPath,
          program,
          ...own,
          ...[...store, '--store-timeout', '5s', '--delay', '1'],
        ]);
      };
      const attempt = async ({ port }: Postfix, sender: string) => {
        const session = await call(port, { address: '192.0.2.1' }, '127.0.0.1');
        await session.mail(sender);
        const { code } = await session.rcpt('bob@example.org');
        await session.quit();
        return code;
      };
      await withPostfix({ master }, (one) =>
        withPostfix({ master }, async (two) => {
          const log = ({ logs }: Place) => readFileSync(`${logs}/filter.log`, 'utf8');
          expect(await attempt(one, 'ann@example.com')).toBe(450);
          await until(async () => (await attempt(two, 'ann@example.com')) === 250);
          expect(await attempt(one, 'ann@example.com')).toBe(250);
          await engine.kill();
          expect(await attempt(two, 'ann@example.com')).toBe(250);
          expect(await attempt(one, 'joe@example.com')).toBe(450);
          await until(async () => (await attempt(one, 'joe@example.com')) === 250);
          engine = await startEngine(scratch.path, {
            port: engine.port,
            words: password,
            password: 'secret',
          });
          let n = 0;
          await until(async () => {
            expect(await attempt(one, `${n++}@example.com`)).toBe(450);
            return log(one).includes('is back');
          });
          await until(async () => (await attempt(two, 'joe@example.com')) === 250);
          for (const { log } of [one, two]) expect(log()).not.toMatch(/451 4\.3\.5|warning:.*(policy|spawn)/);
        }),
      );
    } finally {
      await engine.stop();
    }
  }, 120_000);
});
