// Rooms: public and private, found or by invitation, with what is new in them.
import { expect, test } from '../support/test.js';

test('a public room appears for everybody at once', async ({ person }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  await alice.createRoom('Design Review');
  await expect(alice.page).toHaveURL(/\/rooms\/design-review$/);
  await expect(alice.page.getByRole('log', { name: 'Messages in Design Review' })).toBeVisible();
  await alice.say('Welcome');
  await bob.room('Design Review').click();
  await expect(bob.page).toHaveURL(/\/rooms\/design-review$/);
  await expect(bob.message('Welcome')).toBeVisible();
  // Back and forward are the browser's own.
  await bob.page.goBack();
  await expect(bob.page.getByRole('log', { name: 'Messages in general' })).toBeVisible();
  await expect(bob.message('Welcome')).toHaveCount(0);
  await alice.page.goBack();
  await expect(alice.page).toHaveURL(/\/rooms\/general$/);
  await expect(alice.page.getByRole('log', { name: 'Messages in general' })).toBeVisible();
});

test('a private room is for those who were invited', async ({ person, api }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  await alice.createRoom('发布计划', 'private');
  await alice.say('only for us');
  const invite = await alice.invitation();
  await expect(bob.room('发布计划')).toHaveCount(0);
  const stranger = await api('Stranger');
  expect((await stranger.request('GET', `/api/v1/rooms/${encodeURIComponent('发布计划')}/messages`)).status).toBe(404);

  await bob.open(new URL(invite, bob.base).pathname);
  await bob.untilLive(() => bob.page.getByRole('button', { name: 'Join the room' }).click());
  await expect(bob.message('only for us')).toBeVisible();
  await expect(bob.room('发布计划')).toBeVisible();
});

test('a room that is refused while the page’s script still loads can be mended when it has come', async ({ person }) => {
  const alice = await person('Alice');
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await alice.page.route(/\.wasm/, async (route) => {
    await held;
    await route.continue();
  });
  await alice.page.reload({ waitUntil: 'commit' });
  await alice.page.getByRole('button', { name: 'New room' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'New room' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('general');
  const answered = alice.page.waitForResponse((response) => response.request().method() === 'POST');
  await dialog.getByRole('button', { name: 'Make the room' }).click();
  expect((await answered).status()).toBe(409);

  await alice.untilLive(async () => release());
  await expect(dialog.getByRole('alert')).toContainText('There is a room with this name already');
  await expect(alice.page).toHaveURL(/\/rooms\/general$/);
  expect(alice.complaints.filter((text) => !text.includes('409'))).toEqual([]);
  await dialog.getByRole('textbox', { name: 'Name' }).fill('General talk');
  await dialog.getByRole('textbox', { name: 'Name' }).press('Enter');
  await expect(alice.page).toHaveURL(/\/rooms\/general-talk$/);
  await expect(dialog).toBeHidden();
  // A reload shows a page; it does not post the form again.
  await alice.page.goBack();
  await alice.reload();
});

test('a name that is refused without the script leads on when it has come', async ({ visitor }) => {
  const alice = await visitor('Alice');
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await alice.page.route(/\.wasm/, async (route) => {
    await held;
    await route.continue();
  });
  await alice.page.goto(`${alice.base}/rooms/elsewhere?before=7`, { waitUntil: 'commit' });
  const name = alice.page.getByRole('textbox', { name: 'Your name' });
  await name.fill('two words');
  await alice.page.getByRole('button', { name: 'Come in' }).click();
  await expect(alice.page.getByRole('alert')).toHaveText('A name has no spaces. Use - or _ instead.');
  await expect(alice.page).toHaveURL(/\/rooms\/elsewhere\?before=7$/);
  release();
  // Only the page that the script has taken over withdraws what it said.
  await expect(async () => {
    await name.fill('one-word');
    await expect(alice.page.getByRole('alert')).toHaveCount(0, { timeout: 100 });
  }).toPass();
  await expect(alice.page.locator('input[name=next]').first()).toHaveValue('/rooms/elsewhere?before=7');
  expect(alice.complaints.filter((text) => !text.includes('422'))).toEqual([]);
});

test('an invitation tells a stranger what it is and leads right into the room', async ({ person, visitor, picture }) => {
  const alice = await person('Alice');
  await alice.createRoom('Founders', 'private');
  await alice.say('only for us');
  const invite = new URL(await alice.invitation()).pathname;
  const bob = await visitor('Bob');
  await bob.open(invite);
  await expect(bob.page.getByRole('heading', { name: 'You are invited to Founders' })).toBeVisible();
  await picture(bob, 'invited');
  await bob.signIn(invite);
  await expect(bob.page).toHaveURL(/\/rooms\/founders$/);
  await expect(bob.message('only for us')).toBeVisible();
  await expect(bob.room('Founders')).toBeVisible();

  const carol = await visitor('Carol');
  const answer = await carol.page.goto(`${carol.base}${invite}x`);
  expect(answer?.status()).toBe(404);
  await expect(carol.page.getByRole('heading', { name: 'This invitation does not work' })).toBeVisible();
  await expect(carol.page.getByRole('textbox')).toHaveCount(0);
});

test('a private room has a lock where a public one has its sign', async ({ person, picture }) => {
  const alice = await person('Alice');
  const head = alice.page.getByRole('heading', { level: 1 });
  const picture_of = (icon: import('@playwright/test').Locator) => icon.evaluate((svg) => svg.innerHTML);
  const sign = await picture_of(head.locator('.icon'));
  await expect(alice.composer).toHaveAttribute('placeholder', 'Message #general');
  await alice.say('first');
  await expect(alice.page.getByText('This is the beginning of #general.')).toBeVisible();
  await alice.createRoom('Founders', 'private');
  await expect(head).toHaveAccessibleName('private Founders');
  expect(await picture_of(head.locator('.icon'))).not.toBe(sign);
  await expect(alice.composer).toHaveAttribute('placeholder', 'Message Founders');
  await alice.say('first');
  await expect(alice.page.getByText('This is the beginning of Founders.')).toBeVisible();
  await picture(alice, 'private-room');
});

test('unread messages and mentions are counted until they are read', async ({ person, api }) => {
  const alice = await person('Alice');
  const bob = await api('Bob');
  await bob.createRoom('Elsewhere');
  await expect(alice.room('Elsewhere')).toBeVisible();
  const elsewhere = alice.room('Elsewhere');
  await bob.post('elsewhere', 'one');
  await bob.post('elsewhere', 'two');
  await expect(elsewhere).toContainText('2 unread');
  await bob.post('elsewhere', 'three, for @Alice');
  await expect(elsewhere).toContainText('3 unread, 1 for you');
  await alice.reload();
  await expect(elsewhere).toContainText('3 unread, 1 for you');
  await elsewhere.click();
  await expect(alice.message('one')).toBeVisible();
  await expect(elsewhere).not.toContainText(/unread|for you/);
  await alice.room('general').click();
  await alice.reload();
  await expect(elsewhere).not.toContainText(/unread|for you/);
});

const NOT_THERE = 'There is no such room, or it is private and you need its invitation link.';

for (const javaScriptEnabled of [true, false]) {
  test(`a room that is not there says so: ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ visitor }) => {
    const alice = await visitor('Alice', { javaScriptEnabled });
    await alice.open('/');
    await alice.page.getByRole('textbox', { name: 'Your name' }).fill('Alice');
    await alice.page.getByRole('button', { name: 'Come in' }).click();
    await expect(alice.composer).toBeVisible();
    const answer = await alice.page.goto(`${alice.base}/rooms/nowhere`);
    expect(answer?.status()).toBe(404);
    await expect(alice.page.getByRole('heading', { name: 'Nothing here' })).toBeVisible();
    await expect(alice.page.getByText(NOT_THERE)).toBeVisible();
    await expect(alice.page.getByRole('textbox')).toHaveCount(0);
    await alice.page.getByRole('link', { name: 'Back to the rooms' }).click();
    await expect(alice.composer).toBeVisible();
  });
}

test('a link to a room that is not there, or not mine, leads to words and to nothing that takes any', async ({ person, api, picture }) => {
  const bob = await api('Bob');
  const { slug } = await bob.createRoom('Founders', 'private');
  await bob.post('general', `not there: #nowhere; not hers: #${slug}`);
  const alice = await person('Alice');
  for (const room of ['nowhere', slug]) {
    await alice.log.getByRole('link', { name: `#${room}` }).click();
    await expect(alice.page).toHaveURL(new RegExp(`/rooms/${room}$`));
    await expect(alice.page.getByRole('alert').filter({ hasText: NOT_THERE })).toBeVisible();
    await expect(alice.page.getByRole('heading', { level: 1 })).toHaveText('Nothing here');
    await expect(alice.page).toHaveTitle('Nothing here · Hubbub');
    await expect(alice.composer).toBeHidden();
    await expect(alice.people).toBeHidden();
    await expect(alice.rooms.getByRole('link')).toHaveText(['general']);
    await picture(alice, 'nowhere');
    await alice.page.goBack();
    await expect(alice.message('not there')).toBeVisible();
    await expect(alice.composer).toBeVisible();
    await expect(alice.page).toHaveTitle('general · Hubbub');
  }
  // Whoever waits at the address is let in when somebody makes the room.
  await alice.log.getByRole('link', { name: '#nowhere' }).click();
  await expect(alice.composer).toBeHidden();
  await bob.createRoom('Nowhere');
  await expect(alice.composer).toBeVisible();
  await expect(alice.room('Nowhere')).toHaveAttribute('aria-current', 'page');
  await alice.say('somewhere');
  await expect(alice.message('somewhere')).toBeVisible();
});

test('a room that is taken away while it is open is gone from sight', async ({ person }) => {
  const alice = await person('Alice');
  let tell: (frame: object) => void = () => {};
  await alice.page.routeWebSocket(/\/ws\?/, (socket) => {
    socket.connectToServer();
    tell = (frame) => socket.send(JSON.stringify(frame));
  });
  await alice.reload();
  await alice.createRoom('Elsewhere');
  await alice.say('soon out of sight');
  await expect(alice.message('soon out of sight')).toBeVisible();
  tell({ type: 'left', room: 'elsewhere' });
  await expect(alice.page.getByRole('alert').filter({ hasText: NOT_THERE })).toBeVisible();
  await expect(alice.messages).toHaveCount(0);
  await expect(alice.composer).toBeHidden();
  await expect(alice.rooms.getByRole('link')).toHaveText(['general']);
  await alice.room('general').click();
  await expect(alice.composer).toBeFocused();
});

test('a room with much news is shown from its end, whatever room one comes from', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.createRoom('Elsewhere');
  await writer.fill('general', Array.from({ length: 300 }, (_, n) => `${n}: before`));
  const reader = await person('Reader');
  await expect(reader.numbered(299)).toBeInViewport();
  await reader.room('Elsewhere').click();
  await reader.say('a short room');
  await writer.fill('general', Array.from({ length: 150 }, (_, n) => `${300 + n}: news`));
  await reader.room('general').click();
  await expect(reader.numbered(449)).toBeInViewport();
  await expect(reader.page.getByRole('button', { name: 'Jump to' })).toHaveCount(0);
  await expect(reader.numbered(449)).toBeInViewport();
});

test('of many rooms the open one is in view, and so is the way out', async ({ person, api, picture }) => {
  const writer = await api('Writer');
  for (let n = 10; n < 50; n++) await writer.createRoom(`Room ${n}`);
  const alice = await person('Alice');
  const account = alice.page.getByRole('button', { name: 'Alice', exact: true });
  for (const name of ['Room 49', 'general']) {
    await alice.room(name).click();
    await expect(alice.log).toHaveAccessibleName(`Messages in ${name}`);
    await alice.reload();
    await expect(alice.room(name)).toBeInViewport({ ratio: 1 });
    await expect(account).toBeInViewport({ ratio: 1 });
  }
  await picture(alice, 'many-rooms');
});

test('whoever leaves a room while they change or answer a message finds it as they left it', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.createRoom('Second');
  await writer.post('general', 'a question');
  const alice = await person('Alice');
  await alice.say('as it is');
  const there = async () => {
    await alice.room('Second').click();
    await expect(alice.page.getByRole('log', { name: 'Messages in Second' })).toBeVisible();
    await expect(alice.composer).toHaveValue('');
    await expect(alice.page.locator('.writing-bar')).toHaveCount(0);
  };
  const back = async () => {
    await alice.room('general').click();
    await expect(alice.page.getByRole('log', { name: 'Messages in general' })).toBeVisible();
  };
  await alice.act(alice.message('as it is'), 'Edit');
  await alice.composer.fill('as it shall be');
  await there();
  await alice.say('something else');
  await back();
  await expect(alice.composer).toHaveValue('as it shall be');
  await alice.composer.press('Enter');
  await expect(alice.message('as it shall be')).toBeVisible();

  await alice.act(alice.message('a question'), 'Reply');
  await alice.composer.fill('an answer');
  await there();
  await back();
  await expect(alice.composer).toHaveValue('an answer');
  await expect(alice.page.locator('.writing-bar')).toContainText('a question');
  await alice.composer.press('Enter');
  await expect(alice.message('an answer')).toContainText('a question');
});

test('what is asked of a message is not asked of another room’s', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.createRoom('Beta');
  const alice = await person('Alice');
  await alice.say('here to stay');
  await alice.placed('here to stay');
  await alice.room('Beta').click();
  await expect(alice.page).toHaveURL(/beta$/);
  await alice.say('in beta');
  await alice.act(await alice.placed('in beta'), 'Delete');
  const dialog = alice.page.getByRole('dialog');
  await expect(dialog).toContainText('in beta');
  await alice.page.goBack();
  await expect(alice.message('here to stay')).toBeVisible();
  await expect(dialog).toBeHidden();
});

test('a room that is not waited for takes nobody away', async ({ link, person }) => {
  const alice = await person('Alice');
  await alice.page.getByRole('button', { name: 'New room' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'New room' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Later');
  link.hold();
  await alice.page.keyboard.press('Enter');
  await alice.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await alice.composer.fill('a long sentence');
  link.release();
  await expect(alice.room('Later')).toBeVisible();
  await alice.say('said here');
  await expect(alice.page.getByRole('log', { name: 'Messages in general' })).toContainText('said here');
});

test('what is wrong with a text is not said of the next room', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.createRoom('Second');
  const alice = await person('Alice');
  await alice.composer.fill('x'.repeat(8_005));
  await alice.composer.press('Enter');
  const note = alice.page.locator('.composer-note.bad');
  await expect(note).toBeVisible();
  await alice.room('Second').click();
  await expect(alice.composer).toHaveValue('');
  await expect(note).toHaveCount(0);
});
