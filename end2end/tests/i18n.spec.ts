// English and Chinese, by what the browser asks for and by choice, in the first paint already.
import { expect, test } from '../support/test.js';

const HAN = /\p{Script=Han}/u;

test('a Chinese browser is spoken to in Chinese', async ({ visitor, api, picture }) => {
  const reader = await visitor('小明', { locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
  const answer = await reader.page.goto(reader.base);
  expect(await answer?.text()).toMatch(/<html[^>]* lang="zh-CN"/);
  await reader.page.getByRole('textbox', { name: '你的名字' }).fill('小明');
  await reader.page.getByRole('button', { name: '进入' }).click();
  await expect(reader.page.getByRole('log', { name: HAN })).toBeVisible();
  await expect(reader.page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  const writer = await api('Writer');
  await writer.post('general', '你好');
  await expect(reader.page.getByRole('log').getByText('你好')).toBeVisible();
  await picture(reader, 'chinese');
  // No English word is left on the page but names.
  const words = await reader.page.locator('body').innerText();
  expect(words.replaceAll(/Hubbub|general|Writer|English|Shift|Enter/g, '').match(/[A-Za-z]{3,}/g) ?? []).toEqual([]);
  expect(reader.complaints).toEqual([]);
});

test('the language can be chosen and stays', async ({ person }) => {
  const alice = await person('Alice');
  await alice.chooseLanguage('简体中文');
  await expect(alice.page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  await alice.page.reload();
  await expect(alice.page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  await expect(alice.page.getByRole('log', { name: HAN })).toBeVisible();
});

test('times are in the reader’s own zone', async ({ person, api }) => {
  const writer = await api('Writer');
  const { timestamp } = await writer.post('general', 'what time is it?');
  for (const timezoneId of ['Asia/Tokyo', 'America/St_Johns']) {
    const reader = await person(`In-${timezoneId.replace(/\W/g, '-')}`, { timezoneId });
    const expected = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: timezoneId }).format(new Date(timestamp));
    await expect(reader.message('what time is it?').locator('time').first()).toHaveText(expected);
    await reader.reload();
    await expect(reader.message('what time is it?').locator('time').first()).toHaveText(expected);
    expect(reader.complaints).toEqual([]);
  }
});
