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
