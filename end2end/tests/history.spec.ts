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
  // Whoever has left the message does not come back to it with a reload.
  await expect(reader.page).toHaveURL(/\/rooms\/general$/);
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

test('at a permalink the open room in the sidebar leads to the newest messages', async ({ person, api }) => {
  const writer = await api('Writer');
  const posted = await writer.fill('general', bulk(200));
  const reader = await person('Reader');
  await reader.untilLive(() => reader.open(`/rooms/general/${posted[41].seq}`));
  await expect(reader.numbered(42)).toBeInViewport();
  await reader.room('general').click();
  await expect(reader.page).toHaveURL(/\/rooms\/general$/);
  await expect(reader.numbered(200)).toBeInViewport();
  await expect(reader.toNewest).toBeHidden();
  // Also where the address is the room's already, and only the view is elsewhere.
  await reader.scrollBack();
  await expect(reader.numbered(200)).not.toBeInViewport();
  await reader.room('general').click();
  await expect(reader.numbered(200)).toBeInViewport();
});

test('a permalink to a message that is not there says so and shows the newest', async ({ person, api, picture }) => {
  const writer = await api('Writer');
  await writer.fill('general', bulk(120));
  const reader = await person('Reader');
  const said = reader.page.getByText('This message is not here');
  for (const missing of [0, 5_000]) {
    await reader.untilLive(() => reader.open(`/rooms/general/${missing}`));
    await expect(said).toBeVisible();
    await expect(reader.numbered(120)).toBeInViewport();
    await expect(reader.page).toHaveURL(/\/rooms\/general$/);
  }
  await picture(reader, 'permalink-missing');
  await reader.page.getByRole('link', { name: 'Close' }).click();
  await expect(said).toBeHidden();
  // Without a reload, by a link that somebody posted.
  await writer.post('general', 'look at #general');
  await expect(reader.page.locator('.message-body a', { hasText: '#general' })).toBeVisible();
  await reader.page.evaluate(() => {
    const link = [...document.querySelectorAll('a')].find((link) => link.textContent === '#general');
    link?.setAttribute('href', '/rooms/general/6000');
    link?.click();
  });
  await expect(said).toBeVisible();
  await expect(reader.page).toHaveURL(/\/rooms\/general$/);
  expect(reader.complaints).toEqual([]);
});

test('what a permalink points at is lit for some seconds only', async ({ person, api }) => {
  const writer = await api('Writer');
  const [posted] = await writer.fill('general', bulk(3));
  const reader = await person('Reader');
  await reader.untilLive(() => reader.open(`/rooms/general/${posted.seq}`));
  const colour = () => reader.numbered(1).evaluate((row) => getComputedStyle(row).backgroundColor);
  const plain = await reader.numbered(3).evaluate((row) => getComputedStyle(row).backgroundColor);
  expect(await colour()).not.toBe(plain);
  await reader.composer.click();
  await reader.numbered(1).evaluate((row) => row.getAnimations().forEach((animation) => animation.finish()));
  await expect.poll(colour).toBe(plain);
});

test('a wheel step that the page has not heard of when a message comes is not undone', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.fill('general', bulk(60));
  const reader = await person('Reader');
  // The browser tells of a scroll later than it scrolls. Here it does not tell at all.
  await reader.page.evaluate(() => {
    const hold = (event: Event) => event.stopImmediatePropagation();
    document.addEventListener('scroll', hold, { capture: true });
  });
  const row = reader.numbered(57);
  const top = () => row.evaluate((element) => element.getBoundingClientRect().top);
  /** Waits until the page has come to rest, for the browser scrolls smoothly. */
  const rest = async () => {
    let before = Number.NaN;
    await expect.poll(async () => [before, (before = await top())].every((now, _, [first]) => now === first)).toBe(true);
    return before;
  };
  await reader.numbered(60).hover();
  for (const text of ['the first', 'the second']) {
    const before = await rest();
    await reader.page.mouse.wheel(0, -120);
    await expect.poll(top).toBeGreaterThan(before + 100);
    const scrolled = await rest();
    await writer.post('general', `${text} came meanwhile`);
    await expect(reader.message(`${text} came meanwhile`)).toBeAttached();
    await expect(reader.message(`${text} came meanwhile`)).not.toBeInViewport();
    expect(Math.abs((await rest()) - scrolled), 'the step was undone').toBeLessThan(2);
  }
});

test('what is said from the past is shown once the newest can be had, and nobody is pulled there who reads on', async ({ person, api, picture }) => {
  const writer = await api('Writer');
  const posted = await writer.fill('general', bulk(300));
  const reader = await person('Reader');
  await reader.untilLive(() => reader.open(`/rooms/general/${posted[149].seq}`));
  const newest = /\/messages\?limit=/;
  await reader.page.route(newest, (route) => route.abort());
  const failed = reader.page.waitForEvent('requestfailed', (request) => newest.test(request.url()));
  await reader.say('mine');
  await failed;
  const again = reader.page.getByRole('button', { name: 'Try again' }).last();
  await expect(again).toBeInViewport();
  await picture(reader, 'newest-missing');
  // Reading on meanwhile.
  await reader.log.hover();
  await reader.page.mouse.wheel(0, -300);
  await expect(again).not.toBeInViewport();
  const row = reader.messages.nth(-6);
  await expect(row).toBeInViewport();
  await writer.post('general', 'of another');
  await expect(reader.toNewest).toBeVisible();
  await expect(row).toBeInViewport();
  await reader.page.unroute(newest);
  await again.click();
  await expect(reader.message('mine')).toBeInViewport();
  await expect(reader.message('of another')).toBeInViewport();
});

test('a step back to a message of another room finds the one of that room', async ({ person, api }) => {
  const writer = await api('Writer');
  const other = await writer.createRoom('Second');
  // With messages of the same numbers in view.
  await writer.fill('general', bulk(60));
  const posted = await writer.fill(other.slug, bulk(150));
  const reader = await person('Reader');
  await reader.untilLive(() => reader.open(`/rooms/${other.slug}/${posted[49].seq}`));
  await expect(reader.numbered(50)).toBeInViewport();
  await reader.room('general').click();
  await expect(reader.numbered(60)).toBeInViewport();
  await reader.reload();
  await reader.page.goBack();
  await expect(reader.page.getByRole('log', { name: 'Messages in Second' })).toBeVisible();
  await expect(reader.numbered(50)).toBeInViewport();
  await expect(reader.numbered(50)).toHaveClass(/\btarget\b/);
});
