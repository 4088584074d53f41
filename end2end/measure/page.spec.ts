// How soon the page is live, whether it stays smooth and small under load, and what Lighthouse says.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, CDPSession, Page } from '@playwright/test';
import type { Api } from '../support/api.js';
import { expect, test } from '../support/test.js';
import { install } from './probe.js';
import { figure } from './table.js';

const run = promisify(execFile);
/** The generator of load. */
const LOAD = process.env.HUBBUB_LOAD ?? join(import.meta.dirname, '../../target/release/hubbub-load');
const LIGHTHOUSE = join(import.meta.dirname, 'node_modules/lighthouse/cli/index.js');
/** How often what takes a moment is measured; the median counts. */
const ROUNDS = 7;
/** How often Lighthouse looks; the run with the median of its figures for performance counts. */
const LIGHTHOUSE_ROUNDS = 5;
/** How much slower than this machine the visitor's is. */
const SLOWDOWN = 4;
const BURST_MESSAGES = 1_000;

test.use({ settings: { HUBBUB_LOG: 'error' } });

/** Posts messages into `#general` as fast as the server takes them. */
async function fill(base: string, messages: number): Promise<void> {
  await run(LOAD, ['fill', '--address', base, '--messages', `${messages}`]);
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function cookie(api: Api, url: string): { name: string; value: string; url: string } {
  return { name: 'hubbub_session', value: api.token, url };
}

/** A window of somebody signed in, with the probe in it. */
async function visitor(browser: Browser, base: string, api: Api): Promise<Page> {
  const context = await browser.newContext();
  await context.addCookies([cookie(api, base)]);
  const page = await context.newPage();
  await page.addInitScript(install);
  return page;
}

/** Waits until the page is live; answers when that was, in ms after navigation. */
async function live(page: Page): Promise<number> {
  return (await page.waitForFunction(() => window.probe?.live)).jsonValue();
}

/** Waits until the page shows a message that says `text`. */
async function shows(page: Page, text: string): Promise<void> {
  await page.locator('article', { hasText: text }).first().waitFor();
}

test('how soon the page is live', async ({ browser, server, api }) => {
  const ann = await api('Ann');
  await fill(server.url, 1_000);
  const first: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const page = await visitor(browser, server.url, ann);
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
    for (const times of [first, again]) {
      await page.goto(`${server.url}/rooms/general`);
      times.push(await live(page));
    }
    await page.context().close();
  }
  const slow = `on a processor ${SLOWDOWN} times slower`;
  figure(`live ${slow}, first visit`, median(first), 'ms', { most: 1_500 });
  figure(`live ${slow}, first visit, slowest of ${ROUNDS}`, Math.max(...first), 'ms');
  figure(`live ${slow}, next visit`, median(again), 'ms', { most: 1_500 });
});

test('a burst into the open room', async ({ browser, server, link, api }) => {
  const ann = await api('Ann');
  await fill(server.url, 1_000);
  const page = await visitor(browser, link.url, ann);
  await page.goto(`${link.url}/rooms/general`);
  await live(page);
  const gaps: number[] = [];
  const tasks: number[] = [];
  const most: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Kept back and handed over at once: the page gets all of it in one moment, and a processor that makes nothing meanwhile.
    link.hold();
    await fill(server.url, BURST_MESSAGES);
    await ann.post('general', `end of round ${round}.`);
    await page.evaluate(() => Object.assign(window.probe, { gap: 0, task: 0, most: 0 }));
    link.release();
    await shows(page, `end of round ${round}.`);
    const { gap, task, most: held } = await page.evaluate(() => ({ ...window.probe, memory: undefined }));
    gaps.push(gap);
    tasks.push(task);
    most.push(held);
  }
  figure(`${BURST_MESSAGES} messages at once: longest time between frames`, median(gaps), 'ms', { most: 50 });
  figure(`${BURST_MESSAGES} messages at once: the same, worst of ${ROUNDS}`, Math.max(...gaps), 'ms', { most: 50 });
  figure(`${BURST_MESSAGES} messages at once: longest task above 50 ms, worst of ${ROUNDS}`, Math.max(...tasks), 'ms', { most: 50 });
  figure(`${BURST_MESSAGES} messages at once: most messages in the document`, Math.max(...most), '', { most: 300 });
  await page.context().close();
});

/** What is in use after the garbage has been collected. */
async function memory(page: Page, session: CDPSession): Promise<{ script: number; wasm: number; nodes: number }> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { nodes } = await session.send('Memory.getDOMCounters');
  const wasm = await page.evaluate(() => window.probe.memory?.buffer.byteLength ?? 0);
  return { script: usedSize / 1e6, wasm: wasm / 1e6, nodes };
}

test('memory while 300,000 messages pass', async ({ browser, server, api }) => {
  const ann = await api('Ann');
  const page = await visitor(browser, server.url, ann);
  const session = await page.context().newCDPSession(page);
  await page.goto(`${server.url}/rooms/general`);
  await live(page);
  const at = async (messages: number, more: number) => {
    await fill(server.url, more);
    await ann.post('general', `that was ${messages}.`);
    await shows(page, `that was ${messages}.`);
    return memory(page, session);
  };
  // A WebAssembly's memory never shrinks: before the first of the two it finds the size that the fastest moments take.
  const early = await at(100_000, 100_000);
  const late = await at(300_000, 200_000);
  for (const [name, held] of [['100,000', early], ['300,000', late]] as const) {
    figure(`after ${name} messages: script's heap`, held.script, 'MB');
    figure(`after ${name} messages: memory of the WebAssembly`, held.wasm, 'MB');
    figure(`after ${name} messages: nodes of the document`, held.nodes, '');
  }
  const sum = ({ script, wasm }: typeof early) => script + wasm;
  figure('memory grown by the 200,000 messages between', (sum(late) / sum(early) - 1) * 100, '%', { most: 5 });
  await page.context().close();
});

/** A port that is free just now. */
async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}

/** What Lighthouse says of a page. */
interface Verdict {
  categories: Record<string, { title: string; score: number }>;
  audits: Record<string, { id: string; title: string; score: number | null; numericValue: number; displayValue?: string }>;
  finalDisplayedUrl: string;
}

/**
 * Has Lighthouse look at `url` in a browser of its own, which `launch` starts with a folder for its profile and a port to speak to it.
 * Now and then the browser's trace is without the beginning of the page; then it looks once more.
 */
async function lighthouse(...what: Parameters<typeof look>): Promise<Verdict> {
  return look(...what).catch((error: unknown) => {
    if (`${error}`.includes('NO_NAVSTART')) return look(...what);
    throw error;
  });
}

async function look(
  url: string,
  profile: string,
  launch: (folder: string, port: number) => Promise<BrowserContext>,
): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'hubbub-lighthouse-'));
  const port = await freePort();
  const context = await launch(folder, port);
  try {
    const report = join(folder, 'report.json');
    await run(process.execPath, [
      LIGHTHOUSE,
      url,
      '--quiet',
      '--output=json',
      `--output-path=${report}`,
      `--port=${port}`,
      '--only-categories=performance,accessibility,best-practices',
      ...(profile === 'desktop' ? ['--preset=desktop'] : []),
    ]);
    return JSON.parse(await readFile(report, 'utf8'));
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
}

for (const profile of ['mobile', 'desktop']) {
  for (const [name, path] of [['chat page', '/rooms/general'], ['sign-in page', '/']]) {
    test(`Lighthouse, ${profile}, ${name}`, async ({ server, api, playwright }, info) => {
      const ann = await api('Ann');
      await fill(server.url, 1_000);
      const verdicts: Verdict[] = [];
      for (let round = 0; round < LIGHTHOUSE_ROUNDS; round++) {
        const verdict = await lighthouse(server.url + path, profile, async (folder, port) => {
          const { launchOptions } = info.project.use;
          const args = [...(launchOptions?.args ?? []), `--remote-debugging-port=${port}`];
          const context = await playwright.chromium.launchPersistentContext(folder, { ...launchOptions, args });
          if (name === 'chat page') await context.addCookies([cookie(ann, server.url)]);
          return context;
        });
        expect(verdict.finalDisplayedUrl).toBe(server.url + path);
        verdicts.push(verdict);
      }
      verdicts.sort((a, b) => a.categories.performance.score - b.categories.performance.score);
      const { categories, audits } = verdicts[Math.floor(verdicts.length / 2)];
      for (const { title, score } of Object.values(categories)) {
        figure(`Lighthouse, ${profile}, ${name}: ${title}`, Math.round(score * 100), '', { least: 95 });
      }
      const worst = Math.round(verdicts[0].categories.performance.score * 100);
      figure(`  Performance, worst of ${LIGHTHOUSE_ROUNDS}`, worst, '');
      for (const id of ['first-contentful-paint', 'largest-contentful-paint', 'total-blocking-time']) {
        figure(`  ${audits[id].title}`, Math.round(audits[id].numericValue), 'ms');
      }
      if (process.env.HUBBUB_LIGHTHOUSE) {
        for (const { id, score, displayValue } of Object.values(audits)) {
          if (score !== null && score < 1) console.error(`  ${id} ${score} ${displayValue ?? ''}`);
        }
      }
    });
  }
}
