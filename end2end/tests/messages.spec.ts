// Edit, delete, reply and react: by mouse, by keyboard, and seen by everybody.
import { expect, test } from '../support/test.js';

/** REACTIONS_MAX_PER_MESSAGE in protocol/src/limits.rs. */
const REACTIONS_MAX_PER_MESSAGE = 20;

test('an edit reaches everybody and is marked', async ({ person }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  await alice.say('teh word');
  await expect(bob.message('teh word')).toBeVisible();
  await alice.placed('teh word');
  // ↑ in an empty composer takes up one's last message.
  await alice.composer.press('ArrowUp');
  const editor = alice.page.getByRole('textbox').and(alice.page.locator(':focus'));
  await expect(editor).toHaveValue('teh word');
  await editor.fill('the word');
  await editor.press('Enter');
  for (const person of [alice, bob]) {
    await expect(person.message('the word')).toContainText(/edited/i);
    await expect(person.messages).toHaveCount(1);
  }
  await bob.reload();
  await expect(bob.message('the word')).toContainText(/edited/i);
});

test('whoever means what is still on its way is not given the message before it to edit', async ({ link, person }) => {
  const alice = await person('Alice');
  await alice.say('said before');
  await alice.placed('said before');
  link.hold();
  await alice.say('teh word');
  await expect(alice.message('teh word')).toBeVisible();
  await alice.composer.press('ArrowUp');
  await alice.composer.pressSequentially('more');
  await expect(alice.composer).toHaveValue('more');
  await alice.composer.clear();
  await expect(alice.message('teh word').getByText('sending')).toBeVisible();
  const height = async () => (await alice.message('teh word').boundingBox())?.height;
  const before = await height();
  link.release();
  await alice.placed('teh word');
  expect(await height(), 'that it is on its way takes no place').toBe(before);
  await alice.composer.press('ArrowUp');
  await expect(alice.composer).toHaveValue('teh word');
});

test('Escape leaves an edit as it was', async ({ person }) => {
  const alice = await person('Alice');
  await alice.say('as it is');
  await alice.act(await alice.placed('as it is'), 'Edit');
  const editor = alice.page.getByRole('textbox').and(alice.page.locator(':focus'));
  await editor.fill('something else');
  await editor.press('Escape');
  await expect(alice.message('as it is')).toBeVisible();
  await expect(alice.composer).toHaveValue('');
});

test('a deleted message is gone for everybody, also from the log', async ({ person, api }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  await alice.say('I take this back');
  await alice.say('This stays');
  await expect(bob.message('This stays')).toBeVisible();
  await alice.delete(alice.message('I take this back'));
  for (const person of [alice, bob]) {
    await expect(person.message('I take this back')).toHaveCount(0);
    await expect(person.message(/deleted/i)).toBeVisible();
  }
  const witness = await api('Witness');
  expect((await witness.messages('general')).map((message) => message.content)).toEqual([null, 'This stays']);
  expect(await (await bob.page.request.get(`${bob.base}/rooms/general`)).text()).not.toContain('I take this back');
});

test('only its author can edit or delete a message', async ({ person }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  await alice.say('mine');
  const row = bob.message('mine');
  await row.hover();
  await expect(row.getByRole('button', { name: 'Reply', exact: true })).toBeVisible();
  await expect(row.getByRole('button', { name: 'Edit', exact: true })).toHaveCount(0);
  await expect(row.getByRole('button', { name: 'Delete', exact: true })).toHaveCount(0);
});

test('a reply quotes its message and follows its edits', async ({ person }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  await alice.say('Shall we meet at nine?');
  await expect(bob.message('Shall we meet at nine?')).toBeVisible();
  await bob.act(bob.message('Shall we meet at nine?'), 'Reply');
  await expect(bob.composer).toBeFocused();
  await bob.say('Yes.');
  const answer = alice.message('Yes.');
  await expect(answer).toContainText('Shall we meet at nine?');
  await alice.composer.press('ArrowUp');
  const editor = alice.page.getByRole('textbox').and(alice.page.locator(':focus'));
  await editor.fill('Shall we meet at ten?');
  await editor.press('Enter');
  for (const person of [alice, bob]) {
    await expect(person.message('Yes.')).toContainText('Shall we meet at ten?');
  }
});

test('one kind of reaction too many is refused with the reason', async ({ person, picture }) => {
  const alice = await person('Alice');
  await alice.say('react to this');
  const row = await alice.placed('react to this');
  await alice.act(row, 'Add a reaction');
  const emoji = alice.page.getByRole('dialog').locator('.emoji-grid button');
  const names = await emoji.evaluateAll((buttons) => buttons.map((button) => button.getAttribute('aria-label') ?? button.textContent ?? ''));
  const kinds = [...new Set(names)].slice(0, REACTIONS_MAX_PER_MESSAGE + 1);
  await alice.page.keyboard.press('Escape');
  for (const [n, name] of kinds.entries()) {
    await alice.act(row, 'Add a reaction');
    await alice.page.getByRole('dialog').getByRole('button', { name, exact: true }).first().click();
    if (n < REACTIONS_MAX_PER_MESSAGE) await expect.poll(() => alice.count('ack')).toBe(n + 2);
  }
  await expect(row).toContainText('Your change was not taken over. This message cannot take any more different reactions.');
  await picture(alice, 'too-many-reactions');
  await row.getByRole('button', { name: 'Discard' }).click();
  await expect(row).not.toContainText('not taken over');
});

test('reactions are counted, name who, and can be taken off', async ({ person }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  await alice.say('It works');
  const forBob = bob.message('It works');
  await expect(forBob).toBeVisible();
  await bob.react(forBob, '👍');
  const onAlices = alice.message('It works').getByRole('button', { name: /👍/ });
  await expect(onAlices).toHaveAttribute('aria-pressed', 'false');
  await onAlices.click();
  await expect(onAlices).toHaveAttribute('aria-pressed', 'true');
  await expect(bob.message('It works').getByRole('button', { name: /👍/, pressed: true })).toContainText('2');
  await onAlices.click();
  await expect(bob.message('It works').getByRole('button', { name: /👍/, pressed: true })).toContainText('1');
  await bob.reload();
  await expect(bob.message('It works').getByRole('button', { name: /👍/, pressed: true })).toContainText('1');
});
