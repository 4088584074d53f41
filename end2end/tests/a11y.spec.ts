// Everybody can use it: no violation that axe finds, in light and dark, and the whole job by keyboard alone.
import AxeBuilder from '@axe-core/playwright';
import { talk } from '../support/corpus.js';
import type { Person } from '../support/person.js';
import { expect, test } from '../support/test.js';

async function expectNoViolation(person: Person, where: string, within = ':root'): Promise<void> {
  const { violations } = await new AxeBuilder({ page: person.page }).include(within).analyze();
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join('\n')}`);
  // All of it is told at once, not the first alone.
  expect.soft(told, where).toEqual([]);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds no violation: ${colorScheme}`, async ({ visitor, api, picture }) => {
    const writer = await api('Writer');
    const posted = await writer.fill('general', talk);
    await writer.post('general', 'an answer for @Alice', { reply_to: posted[0].seq });
    await writer.createRoom('Elsewhere');
    await writer.post('elsewhere', 'unread, @Alice');
    const alice = await visitor('Alice', { colorScheme });
    await alice.open('/');
    await expectNoViolation(alice, 'sign-in');
    await picture(alice, `sign-in-${colorScheme}`);
    await alice.signIn();
    await alice.say('mine, with **bold** and a reaction');
    const mine = await alice.placed('mine, with');
    await alice.react(mine, '👍');
    await expectNoViolation(alice, 'chat');
    await picture(alice, `chat-${colorScheme}`);

    await alice.page.getByRole('button', { name: 'New room' }).click();
    await expect(alice.page.getByRole('dialog')).toBeVisible();
    await expectNoViolation(alice, 'dialog for a new room');
    await alice.page.keyboard.press('Escape');
    await expect(alice.page.getByRole('dialog')).toBeHidden();

    await alice.act(mine, 'Add a reaction');
    await expect(alice.page.getByRole('dialog')).toBeVisible();
    await expectNoViolation(alice, 'emoji picker');
    await alice.page.keyboard.press('Escape');
    await alice.act(mine, 'Delete');
    await expect(alice.page.getByRole('dialog')).toBeVisible();
    await expectNoViolation(alice, 'question before deleting');
    await alice.page.keyboard.press('Escape');

    const menu = alice.page.getByRole('button', { name: 'Alice', exact: true });
    await menu.click();
    await expect(alice.page.getByRole('button', { name: 'Sign out' })).toBeVisible();
    await expectNoViolation(alice, 'menu');
    await alice.page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await expect(alice.page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    await expectNoViolation(alice, 'help');
    await alice.page.keyboard.press('Escape');

    await alice.page.setViewportSize({ width: 390, height: 844 });
    await expectNoViolation(alice, 'chat on a phone');
    await alice.page.getByRole('button', { name: 'Show rooms' }).click();
    await expect(alice.rooms).toBeVisible();
    // The page below is inert while a drawer is open.
    await expectNoViolation(alice, 'drawer', 'nav');
    await alice.page.keyboard.press('Escape');
    await alice.page.goto(`${alice.base}/rooms/nowhere`);
    await expectNoViolation(alice, 'not found');
  });
}

test('the whole job by keyboard alone', async ({ visitor, api }) => {
  const writer = await api('Writer');
  await writer.post('general', 'answer me');
  const alice = await visitor('Alice');
  await alice.open('/');
  const keyboard = alice.page.keyboard;
  const name = alice.page.getByRole('textbox', { name: 'Your name' });
  await alice.tabTo(name);
  await keyboard.type('Alice');
  await alice.untilLive(() => keyboard.press('Enter'));

  await expect(alice.composer).toBeFocused();
  await keyboard.type('hello');
  await keyboard.press('Enter');
  await expect(alice.message('hello')).toBeVisible();

  // Into the log, where the Tab key stops at the newest message; then with the arrows.
  await alice.tabTo(alice.message('hello'), 'Shift+Tab');
  await keyboard.press('ArrowUp');
  await expect(alice.message('answer me')).toBeFocused();
  await keyboard.press('End');
  await expect(alice.message('hello')).toBeFocused();
  await keyboard.press('ArrowUp');
  await keyboard.press('r');
  await expect(alice.composer).toBeFocused();
  await keyboard.type('answered');
  await keyboard.press('Enter');
  await expect(alice.message('answered')).toContainText('answer me');

  // A dialog keeps the focus until it is closed, and gives it back.
  const opener = alice.page.getByRole('button', { name: 'New room' });
  await alice.tabTo(opener, 'Shift+Tab');
  await keyboard.press('Enter');
  const dialog = alice.page.getByRole('dialog');
  await expect(dialog.getByRole('textbox').first()).toBeFocused();
  for (let i = 0; i < 12; i++) {
    await keyboard.press('Tab');
    expect(await dialog.evaluate((box) => box.contains(document.activeElement) || document.activeElement === document.body)).toBe(true);
  }
  await keyboard.press('Escape');
  await expect(opener).toBeFocused();
});

test('a screen reader hears new messages and never the history', async ({ person, api }) => {
  const writer = await api('Writer');
  await writer.post('general', 'said long ago');
  const alice = await person('Alice');
  const live = alice.page.locator('[aria-live]:not([aria-live=off])');
  await expect(live.filter({ hasText: 'said long ago' })).toHaveCount(0);
  await writer.post('general', 'said just now');
  await expect(live.filter({ hasText: 'said just now' })).toHaveCount(1);
  await expect(live.filter({ hasText: 'said long ago' })).toHaveCount(0);
});
