// Emoji by name, by the arrow keys and by sight.
import type { Person } from '../support/person.js';
import { expect, test } from '../support/test.js';

function picker(person: Person) {
  const dialog = person.page.getByRole('dialog', { name: 'Emoji' });
  return { dialog, search: dialog.getByRole('searchbox'), emoji: (name: string) => dialog.getByRole('button', { name }) };
}

test('Enter picks the first that is found', async ({ person }) => {
  const alice = await person('Alice');
  await alice.say('to the moon');
  await alice.placed('to the moon');
  await alice.composer.press('Alt+ArrowUp');
  await alice.page.keyboard.press('+');
  const { dialog, search } = picker(alice);
  await expect(search).toBeFocused();
  await alice.page.keyboard.press('Enter');
  await expect(dialog, 'nothing was searched for').toBeVisible();
  await alice.page.keyboard.type('rocket');
  await alice.page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(alice.message('to the moon').getByRole('button', { name: /🚀/ })).toHaveAttribute('aria-pressed', 'true');
  await expect(alice.message('to the moon')).toBeFocused();

  await alice.composer.fill('off we go');
  await alice.page.getByRole('button', { name: 'Add an emoji' }).click();
  await alice.page.keyboard.type('fire');
  await alice.page.keyboard.press('Enter');
  await expect(alice.composer).toHaveValue('off we go🔥');
  await expect(alice.composer).toBeFocused();
});

test('the arrow keys walk as the eye does, over the groups', async ({ person }) => {
  const alice = await person('Alice');
  await alice.page.getByRole('button', { name: 'Add an emoji' }).click();
  const { search, emoji } = picker(alice);
  const keyboard = alice.page.keyboard;
  await keyboard.press('ArrowDown');
  await expect(emoji('👍 thumbs up')).toBeFocused();
  await keyboard.press('ArrowRight');
  await expect(emoji('❤️ heart')).toBeFocused();
  // The first group has six, in a row of eight: below its second stands the second face.
  await keyboard.press('ArrowDown');
  await expect(emoji('😄 smile')).toBeFocused();
  for (let i = 0; i < 5; i++) await keyboard.press('ArrowRight');
  await expect(emoji('😉 wink')).toBeFocused();
  await keyboard.press('ArrowUp');
  await expect(emoji('🙏 thank you'), 'the last of a shorter row').toBeFocused();
  await keyboard.press('ArrowUp');
  await expect(search).toBeFocused();
});

test('one Escape closes it, whatever was typed, and gives the focus back', async ({ person }) => {
  const alice = await person('Alice');
  const opener = alice.page.getByRole('button', { name: 'Add an emoji' });
  const { dialog, search } = picker(alice);
  for (const typed of ['', 'cat']) {
    await opener.click();
    await expect(search).toBeFocused();
    await alice.page.keyboard.type(typed);
    await alice.page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(opener).toBeFocused();
  }
});

for (const [where, viewport] of [
  ['a wide screen', { width: 1280, height: 800 }],
  ['a low window', { width: 900, height: 430 }],
  ['a phone', { width: 390, height: 844 }],
] as const) {
  test(`it leaves what is being written in sight: ${where}`, async ({ person, picture }) => {
    const alice = await person('Alice', { viewport });
    await alice.composer.fill('How do I say\nthis in\nthree lines?');
    await alice.page.getByRole('button', { name: 'Add an emoji' }).click();
    const { dialog } = picker(alice);
    await expect(dialog).toBeVisible();
    const [over, text] = [await dialog.boundingBox(), await alice.composer.boundingBox()];
    if (!over || !text) throw new Error('nothing to compare');
    expect(over.y).toBeGreaterThanOrEqual(0);
    expect(over.y + over.height).toBeLessThanOrEqual(text.y);
    await picture(alice, `picker-${viewport.width}`);
  });
}
