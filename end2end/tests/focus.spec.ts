// Who comes into a room can write at once, and nobody's focus is taken from what they are at.
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
