// Debian's Chromium without a screen, for pages that a test looks at.
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

// As root there is no sandbox; the rest keeps the browser itself from asking for anything.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
}

export interface Looked {
  page: Page;
  /** Everything that was asked for, the page itself too, whether or not it was let. */
  requests: string[];
  /** What the page complained of or tried: errors, messages, dialogs. */
  noise: string[];
}

/** Opens the file in a window of its own. Close its context in the end. */
export async function look(browser: Browser, file: string, options: BrowserContextOptions): Promise<Looked> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const requests: string[] = [];
  const noise: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => noise.push(message.text()));
  page.on('pageerror', (error) => noise.push(String(error)));
  page.on('dialog', (dialog) => {
    noise.push(dialog.message());
    void dialog.dismiss();
  });
  await page.goto(`file://${file}`, { waitUntil: 'networkidle' });
  return { page, requests, noise };
}

export interface Layout {
  /** Pixels. */
  width: number;
  /** The page is wider than the window. */
  scrolls: boolean;
  /** Elements that stand out beyond the right edge. */
  beyond: string[];
  /** 0 to 255: of the text, and of what is behind it. */
  text: number;
  ground: number;
}

// Text, for it runs in the browser, whose types the tests do not have.
const MEASURE = `(() => {
  const brightness = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0) / 3;
  const out = (element) => element.getBoundingClientRect().right > innerWidth + 1;
  const style = getComputedStyle(document.body);
  return {
    width: innerWidth,
    scrolls: document.documentElement.scrollWidth > innerWidth,
    beyond: [...document.querySelectorAll('main *')].filter(out).map((element) => element.outerHTML.slice(0, 80)),
    text: brightness(style.color),
    ground: brightness(style.backgroundColor),
  };
})()`;

export function layoutOf(page: Page): Promise<Layout> {
  return page.evaluate(MEASURE);
}
