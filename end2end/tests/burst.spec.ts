// Much at once: the page takes it in bit by bit, shows all of it in order, and holds no more than it should.
import { expect, test } from '../support/test.js';

const WRITERS = 8;
/** How many messages come at once. */
const BURST_MESSAGES = 1_000;
/** Most messages the page keeps in its document. */
const SHOWN_MAX_MESSAGES = 300;
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
