// The page that came from the server is the page that the browser makes: no mismatch, no complaint in the console, no
// breach of the content security policy, on every page.
import { talk } from '../support/corpus.js';
import type { Person } from '../support/person.js';
import { expect, test } from '../support/test.js';

declare global {
  interface Window {
    pieces: { held: (() => void)[]; letOneGo: () => void; letAllGo: () => void };
  }
}

test('no page complains', async ({ visitor, api }) => {
  const writer = await api('Writer');
  const posted = await writer.fill('general', talk);
  await writer.post('general', 'an answer', { reply_to: posted[3].seq });
  const secret = await writer.createRoom('Founders', 'private');

  const alice = await visitor('Alice');
  await alice.open('/');
  await expect(alice.page.getByRole('button', { name: 'Come in' })).toBeVisible();
  await alice.signIn();
  for (const path of ['/rooms/general', `/rooms/general/${posted[2].seq}`, `/rooms/general?before=${posted[9].seq}`]) {
    await alice.untilLive(() => alice.open(path));
  }
  expect(alice.complaints).toEqual([]);

  await alice.open(secret.invite ?? '/join/missing');
  await expect(alice.page.getByRole('button', { name: 'Join the room' })).toBeVisible();
  expect(alice.complaints).toEqual([]);

  // A missing page is a 404, which the console names; nothing else.
  const missing = await alice.page.goto(`${alice.base}/rooms/no-such-room`);
  expect(missing?.status()).toBe(404);
  expect(alice.complaints.filter((text) => !text.includes('404'))).toEqual([]);
});

test('the first paint is the whole page and hydration changes none of it', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.fill('general', talk);
  const alice = await person('Alice');
  const html = await (await alice.page.request.get(`${alice.base}/rooms/general`)).text();
  for (const words of ['<title>general · Hubbub</title>', '重启之后历史记录都在', 'صباح الخير', 'Good morning.']) expect(html).toContain(words);
  const served = await alice.page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, 'text/html');
    return [...parsed.querySelectorAll('[role=log] article, [role=log] [role=article]')].map((row) => row.querySelectorAll('p, pre, li, blockquote').length);
  }, html);
  await alice.reload();
  const live = await alice.messages.evaluateAll((rows) => rows.map((row) => row.querySelectorAll('p, pre, li, blockquote').length));
  expect(live).toEqual(served);
  expect(alice.complaints).toEqual([]);
});

/** The page's script waits until the answer is called. */
async function holdScript({ page }: Person): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\.wasm/, async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

test('a message that is posted between page and socket is not missed', async ({ visitor, api }) => {
  const writer = await api('Writer');
  await writer.fill('general', ['before']);
  const alice = await visitor('Alice');
  await alice.signIn();
  // Somebody talks meanwhile.
  const release = await holdScript(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await expect(alice.message('before')).toBeVisible();
  await writer.post('general', 'in between');
  await alice.untilLive(async () => release());
  await expect(alice.message('in between')).toBeVisible();
  await expect(alice.messages).toHaveCount(2);
});

/** The next page becomes live piece by piece, and tells itself by a message to go on; here the messages wait to be let go. */
async function holdPieces({ page }: Person): Promise<void> {
  await page.addInitScript(() => {
    if (sessionStorage.getItem('pieces')) return;
    sessionStorage.setItem('pieces', 'were held');
    const real = MessagePort.prototype.postMessage;
    const held: (() => void)[] = [];
    MessagePort.prototype.postMessage = function (message: unknown) {
      held.push(() => real.call(this, message));
    };
    const letAllGo = () => {
      MessagePort.prototype.postMessage = real;
      for (const post of held) post();
    };
    window.pieces = { held, letOneGo: () => held.shift()?.(), letAllGo };
  });
}

/** Lets the rest of the page become live. */
async function letAllGo({ page }: Person): Promise<void> {
  await page.evaluate(() => window.pieces.letAllGo());
  await page.waitForFunction(() => performance.getEntriesByName('live').length);
}

/** Sends a message as soon as the composer takes it, and no sooner. */
async function sendEarly(alice: Person, text: string): Promise<void> {
  await alice.page.waitForFunction(() => window.pieces?.held.length);
  await expect(async () => {
    await alice.page.evaluate(() => window.pieces.letOneGo());
    await alice.composer.fill(text);
    await alice.composer.press('Enter');
    expect(await alice.composer.inputValue()).toBe('');
  }).toPass({ intervals: [0] });
}

test('what is sent while the page becomes live is shown once it is', async ({ visitor, api }) => {
  const writer = await api('Writer');
  await writer.fill('general', Array.from({ length: 40 }, (_, n) => `${n}: before`));
  const alice = await visitor('Alice');
  await alice.signIn();
  await holdPieces(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await sendEarly(alice, 'early');
  await alice.composer.pressSequentially('half');
  await writer.post('general', 'of another');
  await alice.numbered(2).focus();
  expect(await alice.page.evaluate(() => window.pieces.held.length)).toBe(1);
  await expect(alice.message('early')).toHaveCount(0);
  await letAllGo(alice);
  await alice.placed('early');
  await expect(alice.message('of another')).toBeVisible();
  await expect(alice.composer).toHaveValue('half');
  // A row that had the focus before it was live knows it.
  await expect(alice.numbered(2).getByRole('toolbar')).toBeAttached();
  await alice.page.keyboard.press('r');
  await expect(alice.page.locator('.writing-bar')).toContainText('2: before');
  await alice.reload();
  await expect(alice.message('early')).toHaveCount(1);
  await expect(alice.composer).toHaveValue('half');
  expect(alice.complaints).toEqual([]);
});

test('what is sent while the page becomes live is not lost if the page goes before it is', async ({ visitor }) => {
  const alice = await visitor('Alice');
  await alice.signIn();
  await holdPieces(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await sendEarly(alice, 'early');
  await alice.composer.fill('half');
  await alice.reload();
  await expect(alice.message('early')).toHaveCount(1);
  await alice.placed('early');
  await expect(alice.composer).toHaveValue('half');
});

test('a link to a message takes the focus from nobody who writes', async ({ visitor, api }) => {
  const writer = await api('Writer');
  const posted = await writer.fill('general', Array.from({ length: 40 }, (_, n) => `${n}: before`));
  const alice = await visitor('Alice');
  await alice.signIn();
  const release = await holdScript(alice);
  await alice.page.goto(`${alice.base}/rooms/general/${posted[3].seq}`, { waitUntil: 'commit' });
  await alice.composer.pressSequentially('in the mid');
  await alice.untilLive(async () => release());
  await alice.page.keyboard.type('dle');
  await expect(alice.composer).toHaveValue('in the middle');
});

test('a link to a message steps back for what was said before the page was live', async ({ visitor, api }) => {
  const writer = await api('Writer');
  const posted = await writer.fill('general', Array.from({ length: 60 }, (_, n) => `${n}: before`));
  const alice = await visitor('Alice');
  await alice.signIn();
  await holdPieces(alice);
  await alice.page.goto(`${alice.base}/rooms/general/${posted[3].seq}`, { waitUntil: 'commit' });
  await sendEarly(alice, 'early');
  await letAllGo(alice);
  await expect(alice.message('early')).toBeInViewport();
});

test('a room that is opened before the page is live has a page of its own', async ({ visitor, api }) => {
  const writer = await api('Writer');
  const other = await writer.createRoom('Second');
  await writer.post(other.slug, 'said there');
  const alice = await visitor('Alice');
  await alice.signIn();
  await holdPieces(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await sendEarly(alice, 'early');
  await alice.untilLive(() => alice.room('Second').click());
  await expect(alice.message('said there')).toBeVisible();
  expect(await alice.page.evaluate(() => performance.getEntriesByType('navigation')[0].name)).toContain(other.slug);
  await alice.room('general').click();
  await expect(alice.message('early')).toHaveCount(1);
});

test('a drawer that is opened before the page is live keeps the rest out of reach once it is', async ({ visitor }) => {
  const alice = await visitor('Alice', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  await alice.signIn();
  await holdPieces(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await alice.page.waitForFunction(() => window.pieces?.held.length);
  await alice.page.getByRole('button', { name: 'Show rooms' }).tap();
  await expect(alice.rooms).toBeVisible();
  await letAllGo(alice);
  const main = alice.page.getByRole('main');
  await expect(main).toHaveAttribute('inert');
  await alice.page.keyboard.press('Escape');
  await expect(alice.rooms).toBeHidden();
  await expect(main).not.toHaveAttribute('inert');
});

test('a step back before the page is live is taken once it is', async ({ visitor, api }) => {
  const writer = await api('Writer');
  const other = await writer.createRoom('Second');
  await writer.post('general', 'said in general');
  await writer.post(other.slug, 'said there');
  const alice = await visitor('Alice');
  await alice.signIn();
  await alice.room('Second').click();
  await expect(alice.message('said there')).toBeVisible();
  await holdPieces(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await alice.page.waitForFunction(() => window.pieces?.held.length);
  await alice.page.goBack();
  await letAllGo(alice);
  await expect(alice.message('said in general')).toBeVisible();
  await expect(alice.message('said there')).toHaveCount(0);
  await alice.say('here');
  await expect.poll(async () => (await writer.messages('general')).at(-1)?.content).toBe('here');
});

test('what is typed before the page is live becomes a part of the draft', async ({ visitor, api }) => {
  const writer = await api('Writer');
  await writer.createRoom('Second');
  const alice = await visitor('Alice');
  await alice.signIn();
  for (const [typed, whole] of [['early', 'early'], ['more', 'early\nmore']]) {
    const release = await holdScript(alice);
    await alice.page.reload({ waitUntil: 'commit' });
    await alice.composer.pressSequentially(typed);
    await alice.untilLive(async () => release());
    await expect(alice.composer).toHaveValue(typed);
    if (typed === 'early') await alice.reload();
    await alice.room('Second').click();
    await expect(alice.composer).toHaveValue('');
    await alice.room('general').click();
    await expect(alice.composer).toHaveValue(whole);
  }
});

for (const hash of ['', '#m20']) {
  test(`a page that has come with a link to a message${hash} stays where its reader scrolls`, async ({ visitor, api }) => {
    const writer = await api('Writer');
    await writer.fill('general', Array.from({ length: 40 }, (_, n) => `${n}: before`));
    const alice = await visitor('Alice');
    await alice.signIn();
    const release = await holdScript(alice);
    await alice.page.goto(`${alice.base}/rooms/general/20${hash}`, { waitUntil: 'commit' });
    const row = alice.numbered(19);
    await expect(row).toBeAttached();
    const top = () => row.evaluate((row) => row.getBoundingClientRect().top);
    const inTheMiddle = async () => Math.abs((await top()) - 380) < 100;
    if (hash) await expect.poll(inTheMiddle).toBe(true);
    await alice.log.hover();
    const before = await top();
    await alice.page.mouse.wheel(0, hash ? 90 : -90);
    await expect.poll(top).not.toBe(before);
    const scrolled = await top();
    await alice.untilLive(async () => release());
    expect(await top()).toBe(scrolled);
  });
}

test('a step back within a room before the page is live is taken once it is', async ({ visitor, api }) => {
  const writer = await api('Writer');
  await writer.fill('general', Array.from({ length: 150 }, (_, n) => `${n}: before`));
  const alice = await visitor('Alice');
  await alice.signIn();
  await alice.page.evaluate(() => history.pushState(null, '', '/rooms/general/4'));
  await holdPieces(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await alice.page.waitForFunction(() => window.pieces?.held.length);
  await expect(alice.numbered(3)).toBeAttached();
  await alice.page.goBack();
  await letAllGo(alice);
  await expect(alice.numbered(149)).toBeInViewport();
});

test('a composition that goes on while the page becomes live is not cut, and the draft is kept beside it', async ({ visitor }) => {
  const alice = await visitor('Alice');
  await alice.signIn();
  await alice.composer.fill('旧的草稿');
  const release = await holdScript(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  const devtools = await alice.context.newCDPSession(alice.page);
  await alice.composer.focus();
  const compose = (text: string) => devtools.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  await compose('ni');
  await alice.untilLive(async () => release());
  await expect(alice.composer).toHaveValue('ni');
  await compose('nihao');
  await devtools.send('Input.insertText', { text: '你好' });
  await expect(alice.composer).toHaveValue('你好');
  await alice.composer.pressSequentially('吗');
  await expect(alice.composer).toHaveValue('你好吗');
  await alice.reload();
  await expect(alice.composer).toHaveValue('旧的草稿\n你好吗');
});

test('what is typed before the page is live keeps its cursor, and its writer comes back to all of it', async ({ visitor }) => {
  const alice = await visitor('Alice');
  await alice.signIn();
  await alice.composer.fill('kept');
  const release = await holdScript(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await alice.composer.pressSequentially('abcdef');
  await alice.composer.press('ArrowLeft');
  await alice.composer.press('ArrowLeft');
  await alice.untilLive(async () => release());
  await alice.composer.pressSequentially('XY');
  await expect(alice.composer).toHaveValue('abcdXYef');
  await alice.reload();
  await expect(alice.composer).toHaveValue('kept\nabcdXYef');
});

test('what is typed before the page is live and sent leaves the draft where it is', async ({ visitor }) => {
  const alice = await visitor('Alice');
  await alice.signIn();
  await alice.composer.fill('kept');
  const release = await holdScript(alice);
  await alice.page.reload({ waitUntil: 'commit' });
  await alice.composer.pressSequentially('early');
  await alice.untilLive(async () => release());
  await alice.composer.press('Enter');
  await expect(alice.message('early')).toBeVisible();
  await expect(alice.composer).toHaveValue('kept');
});
