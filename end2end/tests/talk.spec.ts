// Two people talk in two windows: the main job.
import { CONTENT_MAX_CHARS, talk } from '../support/corpus.js';
import { expect, test } from '../support/test.js';

test('what one says, the other reads', async ({ person, picture }) => {
  const alice = await person('Alice');
  const ming = await person('小明');
  await alice.say('Can you read this?');
  await expect(ming.message('Can you read this?')).toBeVisible();
  await ming.say('能看到，早上好 👋🏽');
  await expect(alice.message('能看到，早上好 👋🏽')).toBeVisible();
  await expect(alice.messages).toHaveCount(2);
  await expect(ming.messages).toHaveCount(2);
  await picture(alice, 'talk');
});

test('text in many scripts arrives exactly as it was sent', async ({ person, api }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  const pieces = [...talk, '字'.repeat(CONTENT_MAX_CHARS), `start ${'word '.repeat(1_597)}the end`];
  for (const piece of pieces) await alice.say(piece);
  await expect(bob.messages).toHaveCount(pieces.length);
  const witness = await api('Witness');
  const stored = await witness.messages('general');
  expect(stored.map((message) => message.content)).toEqual(pieces);
  // What both windows show is the same text, message by message.
  const shown = await bob.texts();
  expect(shown).toEqual(await alice.texts());
  for (const words of ['👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🏴󠁧󠁢󠁳󠁣󠁴󠁿', 'صباح الخير، هل وصلت الرسالة الأخيرة؟', '字'.repeat(CONTENT_MAX_CHARS), '`a < b'.slice(1)]) {
    expect(shown.some((text) => text.includes(words)), words.slice(0, 40)).toBe(true);
  }
  await expect(bob.log.locator('pre').first()).toHaveText(/let order: Vec<u64> = \(1\.\.=3\)\.collect\(\);/);
});

test('more than a message can hold is refused where it is typed', async ({ person }) => {
  const alice = await person('Alice');
  await alice.composer.fill('x'.repeat(CONTENT_MAX_CHARS + 1));
  await expect(alice.page.getByText('Over the limit by 1. Shorten the message to send it.')).toBeVisible();
  await alice.composer.press('Enter');
  await expect(alice.composer).toHaveValue(/x{100}/);
  await alice.composer.press('Backspace');
  await alice.composer.press('Enter');
  await expect(alice.composer).toHaveValue('');
  await expect(alice.messages).toHaveCount(1);
});

test('the others see who is here and who is typing', async ({ person }) => {
  const alice = await person('Alice');
  await expect(alice.people.getByText('Alice')).toBeVisible();
  const bob = await person('Bob');
  await expect(alice.people.getByText('Bob')).toBeVisible();
  await bob.composer.pressSequentially('Let me think');
  await expect(alice.page.getByText('Bob is typing')).toBeVisible();
  await bob.composer.press('Enter');
  await expect(alice.message('Let me think')).toBeVisible();
  await expect(alice.page.getByText('Bob is typing')).toBeHidden();
  await bob.context.close();
  await expect(alice.people.getByText('Bob')).toBeHidden();
});

test('Enter sends, Shift+Enter breaks the line', async ({ person, api }) => {
  const alice = await person('Alice');
  await expect(alice.composer).toHaveAttribute('enterkeyhint', 'send');
  await expect(alice.composer).toHaveAccessibleDescription('Enter sends, Shift+Enter breaks the line');
  await alice.composer.pressSequentially('first');
  await alice.composer.press('Shift+Enter');
  await alice.composer.pressSequentially('second');
  await alice.composer.press('Enter');
  await expect(alice.message('first')).toContainText('second');
  const witness = await api('Witness');
  expect((await witness.messages('general'))[0].content).toBe('first\nsecond');
});

test('whoever presses twice comes in once', async ({ link, visitor }) => {
  const alice = await visitor('Alice');
  await alice.open('/');
  await alice.page.getByRole('textbox', { name: 'Your name' }).fill('Alice');
  link.hold();
  for (const answers of [1, 2]) {
    await alice.page.keyboard.press('Enter');
    await expect.poll(() => link.kept).toBe(answers);
  }
  await alice.untilLive(async () => link.release());
  await alice.say('here I am');
  await alice.placed('here I am');
});

test('a taken or impossible name is refused with what to do', async ({ person, visitor }) => {
  await person('Alice');
  const other = await visitor('aLICE');
  await other.open();
  const field = other.page.getByRole('textbox', { name: 'Your name' });
  for (const name of ['aLICE', 'two words', 'x'.repeat(33)]) {
    await field.fill(name);
    await other.page.getByRole('button', { name: 'Come in' }).click();
    await expect(other.page.getByRole('alert')).toBeVisible();
    await expect(field).toHaveValue(name);
  }
  await expect(field).toBeVisible();
});
