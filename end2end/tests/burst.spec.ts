// Much at once: the page takes it in bit by bit, shows all of it in order, and holds no more than it should.
import { expect, test } from '../support/test.js';

const WRITERS = 8;
/** How many messages come at once. */
const BURST_MESSAGES = 1_000;
/** Most messages the page keeps in its document. */
const SHOWN_MAX_MESSAGES = 300;
/** How many messages fill a log's view, and are there at any time. */
const VIEW_MIN_MESSAGES = 16;
/** Most messages that come into the document within one frame. */
const FRAME_MAX_MESSAGES = 50;

test('1,000 messages at once come in over several frames, in order, and the newest of them stay', async ({ person, api, link }) => {
  const writers = await Promise.all(Array.from({ length: WRITERS }, (_, n) => api(`Writer-${n}`)));
  const reader = await person('Reader');
  const seen = await reader.log.evaluateHandle((log) => {
    const seen = { inOneFrame: 0, atOnce: 0 };
    let fresh = 0;
    const isMessage = (node: Node) => node.nodeName === 'ARTICLE';
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) fresh += [...addedNodes].filter(isMessage).length;
      seen.atOnce = Math.max(seen.atOnce, log.getElementsByTagName('article').length);
    }).observe(log, { childList: true });
    const frame = () => {
      seen.inOneFrame = Math.max(seen.inOneFrame, fresh);
      fresh = 0;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    return seen;
  });

  link.hold();
  const share = Array.from({ length: BURST_MESSAGES / WRITERS }, (_, n) => `number ${n}`);
  await Promise.all(writers.map((writer) => writer.fill('general', share)));
  await writers[0].post('general', 'the last');
  link.release();

  await expect(reader.message('the last')).toBeInViewport();
  const stored = (await writers[0].messages('general')).map((message) => message.content ?? '');
  const shown = await reader.texts();
  expect(shown).toEqual(stored.slice(-shown.length));
  const { inOneFrame, atOnce } = await seen.jsonValue();
  expect(inOneFrame).toBeGreaterThan(1);
  expect(inOneFrame).toBeLessThanOrEqual(FRAME_MAX_MESSAGES);
  expect(atOnce).toBeLessThanOrEqual(SHOWN_MAX_MESSAGES);
});

test('while many messages come the log is never all but empty, and what the reader says is there among them', async ({ person, api, link }) => {
  const writers = await Promise.all(Array.from({ length: WRITERS }, (_, n) => api(`Writer-${n}`)));
  await writers[0].fill('general', Array.from({ length: 120 }, (_, n) => `before ${n}`));
  const reader = await person('Reader');
  await expect(reader.message('before 119')).toBeInViewport();
  const fewest = await reader.log.evaluateHandle((log) => {
    const fewest = { count: Number.POSITIVE_INFINITY };
    const frame = () => {
      fewest.count = Math.min(fewest.count, log.getElementsByTagName('article').length);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    return fewest;
  });

  link.hold();
  const share = Array.from({ length: BURST_MESSAGES / WRITERS }, (_, n) => `number ${n}`);
  await Promise.all(writers.map((writer) => writer.fill('general', share)));
  link.release();
  await reader.say('and I among them');

  await expect(reader.message('and I among them')).toBeInViewport();
  await reader.placed('and I among them');
  const stored = (await writers[0].messages('general')).map((message) => message.content ?? '');
  await expect.poll(async () => (await reader.texts()).length).toBe(200);
  expect(await reader.texts()).toEqual(stored.slice(-200));
  expect((await fewest.jsonValue()).count).toBeGreaterThanOrEqual(VIEW_MIN_MESSAGES);
});

test('a page out of sight has what is said meanwhile', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.fill('general', Array.from({ length: 60 }, (_, n) => `before ${n}`));
  const reader = await person('Reader');
  await expect(reader.message('before 59')).toBeInViewport();
  const rows = await reader.messages.count();
  await reader.page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' });
    Object.defineProperty(document, 'hidden', { configurable: true, value: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  });
  for (let n = 0; n < 3; n++) {
    await writer.post('general', `meanwhile ${n}`);
    await expect(reader.message(`meanwhile ${n}`)).toBeAttached();
    await expect(reader.page).toHaveTitle(new RegExp(`^\\(${n + 1}\\)`));
  }
  await expect(reader.messages).toHaveCount(rows + 3);
});
