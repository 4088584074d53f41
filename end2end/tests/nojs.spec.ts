// With JavaScript off one can still come in, read, page back and post.
import { bulk } from '../support/corpus.js';
import { expect, test } from '../support/test.js';

test('sign in, read, page back and post without JavaScript', async ({ visitor, api, picture }) => {
  const writer = await api('Writer');
  await writer.fill('general', bulk(120));
  const reader = await visitor('Reader', { javaScriptEnabled: false });
  await reader.open('/');
  await reader.page.getByRole('textbox', { name: 'Your name' }).fill('Reader');
  await reader.page.getByRole('button', { name: 'Come in' }).click();
  await expect(reader.numbered(120)).toBeVisible();

  // Nobody knows who is there: nothing is said about it.
  await expect(reader.people).toBeHidden();
  const older = reader.page.getByRole('link', { name: 'Older messages' });
  await older.click();
  await expect(reader.numbered(60)).toHaveCount(1);
  await older.click();
  await expect(reader.numbered(1)).toHaveCount(1);
  await expect(older).toHaveCount(0);

  await reader.open('/rooms/general');
  await reader.composer.fill('Posted by a form.\n第二行');
  await reader.page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(reader.message('Posted by a form.')).toBeVisible();
  await picture(reader, 'nojs');
  // A reload shows the page again and does not post again: the form answered with a redirect.
  await reader.page.reload();
  const stored = await writer.messages('general');
  expect(stored.filter((message) => message.content === 'Posted by a form.\n第二行')).toHaveLength(1);
});

test('a refused name is shown again with the reason', async ({ visitor }) => {
  const reader = await visitor('Reader', { javaScriptEnabled: false });
  await reader.open('/');
  await reader.page.getByRole('textbox', { name: 'Your name' }).fill('two words');
  await reader.page.getByRole('button', { name: 'Come in' }).click();
  await expect(reader.page.getByRole('alert')).toBeVisible();
  await expect(reader.page.getByRole('textbox', { name: 'Your name' })).toHaveValue('two words');
});

test('a refused room is shown again as it was typed, and can be left', async ({ person }) => {
  const reader = await person('Reader');
  const without = await reader.context.browser()?.newContext({ javaScriptEnabled: false, storageState: await reader.context.storageState() });
  if (!without) throw new Error('there is no browser');
  const page = await without.newPage();
  await page.goto(`${reader.base}/rooms/general`);
  await page.getByRole('button', { name: 'New room' }).click();
  const dialog = page.getByRole('dialog', { name: 'New room' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('general');
  await dialog.getByRole('textbox', { name: 'Topic' }).fill('what nobody shall read');
  await dialog.getByRole('radio', { name: /^Private/ }).check();
  await dialog.getByRole('button', { name: 'Make the room' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await expect(dialog.getByRole('textbox', { name: 'Name' })).toHaveValue('general');
  await expect(dialog.getByRole('textbox', { name: 'Topic' })).toHaveValue('what nobody shall read');
  await expect(dialog.getByRole('radio', { name: /^Private/ })).toBeChecked();
  await dialog.getByRole('link', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole('button', { name: 'New room' }).click();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await without.close();
});
