// "Copied" is said once something was copied. What the browser keeps from the page can be copied by hand.
import { expect, test } from '../support/test.js';

const CODE = 'Look:\n```\nlet x = 1;\n```';

test('what is copied is in the clipboard when that is said', async ({ person }) => {
  const alice = await person('Alice', { permissions: ['clipboard-read', 'clipboard-write'] });
  const clipboard = () => alice.page.evaluate(() => navigator.clipboard.readText());
  await alice.say(CODE);
  await (await alice.placed('Look')).getByRole('button', { name: 'Copy', exact: true }).click();
  const copied = alice.page.getByRole('status').filter({ hasText: 'Copied' });
  await expect(copied).toBeVisible();
  expect(await clipboard()).toBe('let x = 1;');
  await expect(copied).toBeHidden();
  await alice.act(alice.message('Look'), 'Copy link');
  await expect(copied).toBeVisible();
  expect(await clipboard()).toMatch(/\/rooms\/general\/1#m1$/);
});

test('where the browser refuses, the text is shown and selected', async ({ person }) => {
  const alice = await person('Alice');
  await alice.page.addInitScript(() => {
    Clipboard.prototype.writeText = () => Promise.reject(new DOMException('not here', 'NotAllowedError'));
  });
  await alice.reload();
  await alice.createRoom('Founders', 'private');
  const invite = alice.page.getByRole('button', { name: 'Copy invitation link' });
  await invite.click();
  const dialog = alice.page.getByRole('dialog', { name: 'Copy it by hand' });
  const text = dialog.getByRole('textbox');
  await expect(text).toBeFocused();
  await expect(text).toHaveValue(/^http:.*\/join\/\S+$/);
  const selected = () => text.evaluate((box: HTMLTextAreaElement) => box.value.slice(box.selectionStart, box.selectionEnd));
  expect(await selected()).toBe(await text.inputValue());
  await expect(alice.page.getByText('Copied')).toHaveCount(0);
  await alice.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(invite).toBeFocused();
});
