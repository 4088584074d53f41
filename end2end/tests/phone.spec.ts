// At the width of a phone the conversation is the page; rooms and people are drawers.
import { expect, test } from '../support/test.js';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

test('rooms and people are drawers, and nothing is wider than the screen', async ({ person, picture }) => {
  const alice = await person('Alice', PHONE);
  await alice.say('A long line with a-very-long-word-that-has-no-place-to-break-'.repeat(4));
  await expect(alice.messages).toHaveCount(1);
  const overflow = () =>
    alice.page.evaluate(() => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
      return [scrollWidth - clientWidth, scrollHeight - clientHeight];
    });
  expect(await overflow()).toEqual([0, 0]);
  await expect(alice.rooms).toBeHidden();

  await alice.page.getByRole('button', { name: 'Show rooms' }).tap();
  await expect(alice.rooms).toBeVisible();
  await expect(alice.room('general')).toBeInViewport();
  await picture(alice, 'phone-rooms');
  // Whoever goes on by keyboard begins at the top.
  await alice.page.keyboard.press('Tab');
  await expect(alice.page.getByRole('button', { name: 'Close rooms' })).toBeFocused();
  await alice.page.keyboard.press('Escape');
  await expect(alice.rooms).toBeHidden();
  await expect(alice.page.getByRole('button', { name: 'Show rooms' })).toBeFocused();

  const opener = alice.page.getByRole('button', { name: '1 here' });
  await opener.focus();
  await alice.page.keyboard.press('Enter');
  await expect(alice.people.getByText('Alice')).toBeVisible();
  await alice.page.keyboard.press('Escape');
  await expect(alice.people).toBeHidden();
  await expect(opener).toBeFocused();
  expect(await overflow()).toEqual([0, 0]);
  await picture(alice, 'phone');
  await alice.page.setViewportSize({ width: 1280, height: 800 });
  expect(await overflow()).toEqual([0, 0]);
});

test('a long press opens the actions of a message', async ({ person }) => {
  const alice = await person('Alice', PHONE);
  await alice.composer.fill('press me');
  await alice.page.getByRole('button', { name: 'Send', exact: true }).tap();
  const row = await alice.placed('press me');
  const box = await row.boundingBox();
  if (!box) throw new Error('the message is not on the screen');
  const finger = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const devtools = await alice.context.newCDPSession(alice.page);
  await devtools.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [finger] });
  const sheet = alice.page.getByRole('dialog', { name: 'Actions for this message' });
  await expect(sheet.getByRole('button', { name: 'Reply', exact: true })).toBeVisible();
  await devtools.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await sheet.getByRole('button', { name: 'Reply', exact: true }).tap();
  await expect(sheet).toBeHidden();
  await alice.composer.fill('pressed');
  await alice.page.getByRole('button', { name: 'Send', exact: true }).tap();
  await expect(alice.message('pressed').last()).toContainText('press me');
});

test('what the actions of a message lead to opens in their place', async ({ person }) => {
  const alice = await person('Alice', PHONE);
  await alice.say('press me');
  const row = await alice.placed('press me');
  const actions = async () => {
    await row.focus();
    await alice.page.keyboard.press('Enter');
    return alice.page.getByRole('dialog', { name: 'Actions for this message' });
  };
  await (await actions()).getByRole('button', { name: 'Add a reaction' }).tap();
  const picker = alice.page.getByRole('dialog', { name: 'Emoji' });
  await picker.getByRole('button', { name: 'rocket' }).tap();
  await expect(row.getByRole('button', { name: /🚀/ })).toHaveAttribute('aria-pressed', 'true');
  await expect(picker).toBeHidden();

  await (await actions()).getByRole('button', { name: 'Delete', exact: true }).tap();
  const dialog = alice.page.getByRole('dialog', { name: 'Delete this message?' });
  await expect(dialog.getByRole('button', { name: 'Keep' })).toBeFocused();
  await dialog.getByRole('button', { name: 'Delete', exact: true }).tap();
  await expect(alice.message('press me')).toHaveCount(0);
  await expect(alice.page.getByRole('dialog')).toBeHidden();
});

test('the composer stays in view as it grows, and then scrolls', async ({ person }) => {
  const alice = await person('Alice', PHONE);
  await alice.composer.fill(Array.from({ length: 60 }, (_, i) => `line ${i}`).join('\n'));
  await expect(alice.composer).toBeInViewport();
  await expect(alice.page.getByRole('button', { name: 'Send', exact: true })).toBeInViewport();
  const box = await alice.composer.boundingBox();
  expect(box?.height).toBeLessThan(844 / 2);
});

test('Enter on the screen’s keyboard breaks the line, and the button sends', async ({ person, api }) => {
  const alice = await person('Alice', PHONE);
  await expect(alice.composer).toHaveAttribute('enterkeyhint', 'enter');
  await expect(alice.composer).toHaveAccessibleDescription('Enter breaks the line, the button sends');
  await alice.composer.pressSequentially('first');
  await alice.composer.press('Enter');
  await alice.composer.pressSequentially('second');
  await expect(alice.composer).toHaveValue('first\nsecond');
  await alice.page.getByRole('button', { name: 'Send', exact: true }).tap();
  await expect(alice.composer).toHaveValue('');
  // Who has a keyboard beside the screen has a way, too.
  await alice.composer.pressSequentially('third');
  await alice.composer.press('Control+Enter');
  const witness = await api('Witness');
  await expect.poll(async () => (await witness.messages('general')).map((message) => message.content)).toEqual(['first\nsecond', 'third']);
});

test('the way to the rooms tells what is new in them', async ({ person, api }) => {
  const bob = await api('Bob');
  await bob.createRoom('Elsewhere');
  const alice = await person('Alice', PHONE);
  const opener = alice.page.getByRole('button', { name: 'Show rooms' });
  await expect(opener).toHaveAccessibleName('Show rooms');
  await bob.post('elsewhere', 'one');
  await bob.post('elsewhere', 'two');
  await expect(opener).toHaveAccessibleName('Show rooms 2 unread');
  await bob.post('elsewhere', 'three, for @Alice');
  await expect(opener).toHaveAccessibleName('Show rooms 3 unread, 1 for you');
  // What is new in the open room is in sight.
  await bob.post('general', 'here');
  await expect(alice.message('here')).toBeVisible();
  await opener.tap();
  await alice.room('Elsewhere').tap();
  await expect(alice.message('one')).toBeVisible();
  await expect(opener).toHaveAccessibleName('Show rooms');
});

test('a room with a long name leaves the empty composer one line', async ({ person, api, picture }) => {
  const bob = await api('Bob');
  const name = 'A very long name, as long as a name can be here';
  const { slug } = await bob.createRoom(name);
  const alice = await person('Alice', PHONE);
  const height = async () => (await alice.composer.boundingBox())?.height;
  const one = await height();
  await alice.untilLive(() => alice.open(`/rooms/${slug}`));
  await expect(alice.page.getByRole('log', { name: `Messages in ${name}` })).toBeVisible();
  expect(await height()).toBe(one);
  await picture(alice, 'phone-long-name');
});

test('shortcuts of a keyboard are offered to those who have one', async ({ person }) => {
  for (const [name, options, offered] of [['Alice', PHONE, false], ['Bob', {}, true]] as const) {
    const someone = await person(name, options);
    if (!offered) await someone.page.getByRole('button', { name: 'Show rooms' }).tap();
    await someone.page.getByRole('button', { name, exact: true }).click();
    await expect(someone.page.getByRole('button', { name: 'Sign out' })).toBeVisible();
    await expect(someone.page.getByRole('button', { name: 'Keyboard shortcuts' })).toBeVisible({ visible: offered });
  }
});
