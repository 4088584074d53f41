// What was said stays: after a reload, far back, and at its permalink.
import { bulk } from '../support/corpus.js';
import { expect, test } from '../support/test.js';

/** How many messages the long history has. */
const HISTORY_MESSAGES = 500;
/** Most messages the page keeps in its document. */
const SHOWN_MAX_MESSAGES = 300;

test('a reload shows the same talk', async ({ person }) => {
  const alice = await person('Alice');
  for (const text of ['one', 'two', 'three']) await alice.say(text);
  await expect(alice.messages).toHaveCount(3);
  const before = await alice.texts();
  await alice.reload();
  expect(await alice.texts()).toEqual(before);
});

test('scrolling back reaches the first of 500 messages and nothing jumps', async ({ person, api, picture }) => {
  const writer = await api('Writer');
  await writer.fill('general', bulk(HISTORY_MESSAGES));
  const reader = await person('Reader');
  await expect(reader.numbered(500)).toBeInViewport();

  const seen = new Set<string>();
  for (let page = 0; page < HISTORY_MESSAGES && !seen.has('1'); page++) {
    // Whatever stands in the middle of the view must stay where it is while older messages are put above it.
    const anchor = await reader.scrollBack();
    for (const number of anchor.numbers) seen.add(number);
    expect(Math.abs(anchor.moved), `a message moved by ${anchor.moved} px while older ones were loaded`).toBeLessThan(2);
    expect(await reader.messages.count()).toBeLessThanOrEqual(SHOWN_MAX_MESSAGES);
  }
  await picture(reader, 'history-beginning');
  expect([...seen].map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: HISTORY_MESSAGES }, (_, i) => i + 1));

  await reader.toNewest.click();
  await expect(reader.numbered(500)).toBeInViewport();
});

test('the wheel scrolls the log under the pointer, step by step', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.fill('general', bulk(60));
  const reader = await person('Reader');
  const newest = reader.numbered(60);
  await newest.hover();
  const top = () => newest.evaluate((row) => row.getBoundingClientRect().top);
  for (let step = 0; step < 4; step++) {
    const before = await top();
    await reader.page.mouse.wheel(0, -200);
    // Rows that pass under the pointer show their buttons, which must not count as something to make up for.
    await expect.poll(top).toBeGreaterThan(before + 150);
  }
});

test('a permalink opens at its message and shows which it is', async ({ person, api }) => {
  const writer = await api('Writer');
  const posted = await writer.fill('general', bulk(200));
  const reader = await person('Reader');
  await reader.untilLive(() => reader.open(`/rooms/general/${posted[41].seq}`));
  const target = reader.numbered(42);
  await expect(target).toBeInViewport();
  await expect(target).toHaveClass(/\btarget\b/);
  // What is said now reaches a reader who looks at the past, without moving them.
  await writer.post('general', 'something new');
  await expect(reader.toNewest).toBeVisible();
  await expect(target).toBeInViewport();
  await reader.toNewest.click();
  await expect(reader.message('something new')).toBeInViewport();
});

test('new messages follow only a reader who is at the end', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.fill('general', bulk(60));
  const reader = await person('Reader');
  await writer.post('general', 'seen at once');
  await expect(reader.message('seen at once')).toBeInViewport();
  await reader.scrollBack();
  await writer.post('general', 'seen later');
  await expect(reader.toNewest).toBeVisible();
  await expect(reader.message('seen later')).not.toBeInViewport();
});
