// The page in a real browser: it shows the numbers, fits a phone, asks nobody for anything, and runs nothing.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageOf } from '../../../src/admin/report/page.ts';
import { grouped, span } from '../../../src/admin/text.ts';
import { writeWhole } from '../../../src/admin/write.ts';
import type { Entry } from '../../../src/store/admin/entry.ts';
import { layoutOf, look, startBrowser } from '../../support/browser.ts';
import { suite } from '../../support/needs.ts';
import { useScratch } from '../../support/scratch.ts';
import { gathered, made, triple } from './made.ts';

const NOW = 1_764_000_000;
const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

const HOSTILE = [
  '<script>window.hit=1;alert(1)</script>@evil.example',
  '"><img src=http://127.0.0.1:9/x onerror=window.hit=2>@evil.example',
  "'><svg onload=window.hit=3>@evil.example",
  '</td></table><style>@import "http://127.0.0.1:9/y";</style>@evil.example',
  '&lt;b&gt;@evil.example',
  `${'long'.repeat(120)}@evil.example`,
];

function* hostile(): Generator<Entry> {
  for (const [i, text] of HOSTILE.entries()) {
    // All the places where a text of a record is shown: domain, client, recipient, pool, auto-whitelist.
    const common = { sender: text.split('@').reverse().join('@'), recipient: text, firstSeen: NOW - 90_000 };
    yield triple({ ...common, client: `203.0.113.${i}` });
    yield triple({ ...common, client: text, firstSeen: NOW - 88_000, wait: 20_000 + i });
    yield { kind: 'client', client: text, comeBacks: 10, lastSeen: NOW };
  }
}

suite('the page of a report, in a browser', ['chromium'], () => {
  const scratch = useScratch('of all');
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });

  function write(name: string, entries: Iterable<Entry>) {
    const file = path.join(scratch.path, name);
    const facts = gathered(NOW, entries);
    writeWhole(file, pageOf('/var/mta/<greylist>.mdb', facts));
    return { file, facts };
  }

  test('shows the numbers and a plot of each kind, and needs nothing but itself', async () => {
    const { file, facts } = write('made.html', made(5000, NOW));
    const { page, requests, noise } = await look(browser, file, { viewport: { width: 1200, height: 800 } });
    const text = await page.innerText('main');
    const { triples, waits, domains, clients, recipients, pools, whitelist, advice } = facts;
    for (const shown of [
      grouped(triples.seen),
      grouped(triples.undecided),
      span(waits.median!),
      span(waits.percentile95!),
      span(waits.worst!),
      advice!,
      '/var/mta/<greylist>.mdb',
      ...[...domains, ...clients, ...recipients, ...pools.domains].map(({ name }) => name),
      ...whitelist.near.map(({ client }) => client),
    ])
      expect(text).toContain(shown);
    const widths = await page.$$eval('.bin rect', (bars) =>
      bars.map((bar) => bar.getBoundingClientRect().width),
    );
    const most = Math.max(...waits.histogram.map(({ mails }) => mails));
    const widest = Math.max(...widths);
    expect(widest).toBeGreaterThan(100);
    for (const [i, { mails }] of waits.histogram.entries())
      expect(widths[i]! / widest, `bar ${i}`).toBeCloseTo(mails === 0 ? 0 : Math.max(0.005, mails / most), 1);
    expect(await page.$$eval('circle', (dots) => dots.length)).toBe(2 * 8);
    expect(requests).toEqual([`file://${file}`]);
    expect(noise).toEqual([]);
    await page.context().close();
  });

  test('fits a phone, and is readable in light and dark', async () => {
    const pages = [
      write('phone.html', made(5000, NOW)),
      write('evil.html', hostile()),
      write('empty.html', []),
    ];
    for (const { file } of pages) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page } = await look(browser, file, { ...PHONE, colorScheme });
        const seen = await layoutOf(page);
        expect(seen).toMatchObject({ scrolls: false, width: 360, beyond: [] });
        const contrast = colorScheme === 'light' ? seen.ground - seen.text : seen.text - seen.ground;
        expect(contrast).toBeGreaterThan(150);
        await page.context().close();
      }
    }
  });

  test('does nothing that a record says', async () => {
    const { file } = write('hostile.html', hostile());
    const { page, requests, noise } = await look(browser, file, {});
    const names = await page.$$eval('td:first-child', (cells) => cells.map((cell) => cell.textContent));
    for (const text of HOSTILE) {
      const start = text.slice(0, 30).replaceAll(' ', '\\x20');
      const shown = names.filter((cell) => cell?.startsWith(start));
      expect(shown.length, start).toBeGreaterThanOrEqual(3); // as client, as recipient, close to the auto-whitelist
    }
    expect(await page.evaluate('window.hit')).toBeUndefined();
    expect(
      await page.$$eval('script, img, iframe, link, object, td *, [onload], [onerror]', (all) => all.length),
    ).toBe(0);
    expect(await page.$$eval('style', (all) => all.length)).toBe(1);
    expect(requests).toEqual([`file://${file}`]);
    expect(noise).toEqual([]);
    await page.context().close();
  });

  test('would run and ask for nothing even if an escape were missing', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { file, facts } = write('broken.html', []);
    const evil = HOSTILE.join('\n').replaceAll('127.0.0.1:9', `127.0.0.1:${port}`);
    writeWhole(file, pageOf('x', facts).replace('</main>', `${evil}</main>`));
    const { page } = await look(browser, file, {});
    expect(await page.$$eval('main script, main img', (all) => all.length)).toBe(2);
    expect(await page.evaluate('window.hit')).toBeUndefined();
    expect(asked).toBe(0);
    await page.context().close();
    server.close();
  });
});
