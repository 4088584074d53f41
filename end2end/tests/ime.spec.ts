// Enter that ends a composition chooses a word; it must never send.
import { expect, test } from '../support/test.js';

test('Enter during a composition does not send (Chromium)', async ({ person }) => {
  const alice = await person('花子');
  const devtools = await alice.context.newCDPSession(alice.page);
  await alice.composer.focus();
  for (const text of ['に', 'にほ', 'にほん']) {
    await devtools.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  }
  await expect(alice.composer).toHaveValue('にほん');
  await alice.page.keyboard.press('Enter');
  await devtools.send('Input.insertText', { text: '日本' });
  await expect(alice.composer).toHaveValue(/日本/);
  expect(alice.sent.filter((frame) => frame.type === 'send')).toEqual([]);
  await alice.pressEnterUntilSent();
  await expect(alice.message('日本')).toBeVisible();
  await expect.poll(() => alice.sent.filter((frame) => frame.type === 'send').length).toBe(1);
});

test('Enter right after the end of a composition does not send (Safari tells of the end first)', async ({ person }) => {
  const alice = await person('小明');
  await alice.composer.pressSequentially('ni hao');
  await alice.composer.evaluate((box: HTMLTextAreaElement) => {
    box.dispatchEvent(new CompositionEvent('compositionstart', { bubbles: true, data: '' }));
    box.dispatchEvent(new CompositionEvent('compositionupdate', { bubbles: true, data: '你好' }));
    box.value = '你好';
    box.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromComposition', data: '你好' }));
    box.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: '你好' }));
    const enter = { key: 'Enter', code: 'Enter', keyCode: 229, which: 229, isComposing: false, bubbles: true, cancelable: true };
    box.dispatchEvent(new KeyboardEvent('keydown', enter as KeyboardEventInit));
    box.dispatchEvent(new KeyboardEvent('keyup', { ...enter, keyCode: 13 } as KeyboardEventInit));
  });
  await expect(alice.composer).toHaveValue('你好');
  expect(alice.sent.filter((frame) => frame.type === 'send')).toEqual([]);
  await alice.pressEnterUntilSent();
  await expect(alice.message('你好')).toBeVisible();
  await expect.poll(() => alice.sent.filter((frame) => frame.type === 'send').length).toBe(1);
});
