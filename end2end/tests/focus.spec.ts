// Who comes into a room can write at once, and nobody's focus is taken from what they are at.
import type { Person } from '../support/person.js';
import { expect, test } from '../support/test.js';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

test('the cursor is in the composer on arrival and after switching rooms', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.createRoom('Elsewhere');
  const alice = await person('Alice');
  await expect(alice.composer).toBeFocused();
  await alice.reload();
  await expect(alice.composer).toBeFocused();
  await alice.room('Elsewhere').click();
  await expect(alice.page.getByRole('log', { name: 'Messages in Elsewhere' })).toBeVisible();
  await expect(alice.composer).toBeFocused();
  await alice.page.keyboard.type('typed at once');
  await alice.page.keyboard.press('Enter');
  await expect(alice.message('typed at once')).toBeVisible();
  await alice.createRoom('Brand new');
  await expect(alice.composer).toBeFocused();
});

test('on a phone no keyboard opens by itself', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.createRoom('Elsewhere');
  const alice = await person('Alice', PHONE);
  await expect(alice.composer).not.toBeFocused();
  await alice.page.getByRole('button', { name: 'Show rooms' }).tap();
  await alice.room('Elsewhere').tap();
  await expect(alice.page.getByRole('log', { name: 'Messages in Elsewhere' })).toBeVisible();
  await expect(alice.composer).not.toBeFocused();
  await alice.page.getByRole('button', { name: 'Add an emoji' }).tap();
  await expect(alice.page.getByRole('dialog', { name: 'Emoji' })).toBeVisible();
  await expect(alice.page.getByPlaceholder('Search emoji')).not.toBeFocused();
});

test('whoever deletes a message by keyboard goes on from there', async ({ person }) => {
  const alice = await person('Alice');
  await alice.say('stays');
  await alice.say('goes');
  const row = await alice.placed('goes');
  const dialog = alice.page.getByRole('dialog', { name: 'Delete this message?' });
  await row.focus();
  await row.getByRole('button', { name: 'Delete', exact: true }).focus();
  await alice.page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Delete' }).focus();
  await alice.page.keyboard.press('Enter');
  await expect(alice.message('goes')).toHaveCount(0);
  await expect(alice.page.locator('article:focus')).toContainText('deleted');
  await alice.page.keyboard.press('ArrowUp');
  await expect(alice.message('stays')).toBeFocused();
});

test('a deleted answer does not say of what it answered that it is deleted', async ({ api, person }) => {
  const bob = await api('Bob');
  await bob.post('general', 'a question');
  const alice = await person('Alice');
  await alice.message('a question').focus();
  await alice.page.keyboard.press('r');
  await alice.say('an answer');
  await expect(alice.message('an answer').locator('.quote')).toContainText('a question');
  await (await alice.placed('an answer')).focus();
  await alice.page.keyboard.press('Delete');
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(alice.message('an answer')).toHaveCount(0);
  await expect(alice.page.locator('article .quote')).toHaveCount(0);
  await alice.reload();
  await expect(alice.message('a question')).toBeVisible();
  await expect(alice.page.locator('article .quote')).toHaveCount(0);
});

test('neither a dialog nor selected text loses anything', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.post('general', 'words to select');
  await writer.createRoom('Elsewhere');
  const alice = await person('Alice');
  await alice.room('Elsewhere').click();
  await expect(alice.page).toHaveURL(/elsewhere$/);
  await alice.page.getByRole('button', { name: 'New room' }).click();
  const name = alice.page.getByRole('dialog').getByRole('textbox', { name: 'Name' });
  await expect(name).toBeFocused();
  await alice.page.goBack();
  await expect(alice.page.getByRole('log', { name: 'Messages in general' })).toBeAttached();
  await expect(name).toBeFocused();
  await alice.page.keyboard.press('Escape');

  await alice.message('words to select').locator('.message-body').selectText();
  await alice.page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await alice.page.goForward();
  await expect(alice.page.getByRole('log', { name: 'Messages in Elsewhere' })).toBeVisible();
  await expect(alice.composer).not.toBeFocused();
});

/** Counts how often the focus leaves what has it from now on. */
async function countLosses(person: Person): Promise<() => Promise<number>> {
  const losses = await person.log.evaluateHandle((log) => {
    const losses = { count: 0 };
    log.addEventListener('focusout', () => losses.count++);
    return losses;
  });
  return async () => (await losses.jsonValue()).count;
}

test('whoever stands on a message of a full log is left alone when others come', async ({ api, person, link }) => {
  const bob = await api('Bob');
  const alice = await person('Alice');
  await bob.fill('general', Array.from({ length: 220 }, (_, n) => `${n}: before`));
  await expect(alice.numbered(219)).toBeVisible();
  await alice.numbered(217).focus();
  const losses = await countLosses(alice);
  link.hold();
  await bob.fill('general', Array.from({ length: 20 }, (_, n) => `${220 + n}: at once`));
  link.release();
  await expect(alice.numbered(239)).toBeVisible();
  await expect(alice.numbered(217)).toBeFocused();
  expect(await losses()).toBe(0);
});

test('whoever stands on the oldest message is left alone when older ones come', async ({ api, person }) => {
  const bob = await api('Bob');
  await bob.fill('general', Array.from({ length: 120 }, (_, n) => `${n}: before`));
  const alice = await person('Alice');
  const oldest = alice.numbered(70);
  await oldest.focus();
  const losses = await countLosses(alice);
  await alice.page.keyboard.press('PageUp');
  await expect(alice.numbered(30)).toBeAttached();
  await expect(oldest).toBeFocused();
  expect(await losses()).toBe(0);
});

test('a message that is looked at stays where it is, however many come one by one', async ({ api, person }) => {
  const bob = await api('Bob');
  await bob.fill('general', Array.from({ length: 60 }, (_, n) => `${n}: before`));
  const alice = await person('Alice', { deviceScaleFactor: 1.25 });
  const looked = alice.numbered(12);
  await looked.focus();
  const place = () => looked.evaluate((row) => row.getBoundingClientRect().top);
  await expect(alice.toNewest).toBeVisible();
  const before = await place();
  for (let n = 60; n < 90; n++) {
    await bob.post('general', `${n}: after`);
    await expect(alice.numbered(n)).toBeAttached();
  }
  expect(Math.abs((await place()) - before)).toBeLessThanOrEqual(1);
});
