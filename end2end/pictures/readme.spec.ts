// A conversation as it might be, in the four forms that the README shows.
import { join } from 'node:path';
import { expect, test } from '../support/test.js';

const PICTURES = join(import.meta.dirname, '../../docs/screenshots');
const CODE = `Then the write path looks right. This is the part that matters:
\`\`\`rust
let seq = store.append(room, event).await?;   // committed
bus.publish(room, seq);                       // only then
\`\`\``;

const forms = [
  { name: 'desktop-light', options: { colorScheme: 'light', viewport: { width: 1280, height: 800 } } },
  { name: 'desktop-dark', options: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } } },
  { name: 'phone-light', options: { colorScheme: 'light', viewport: { width: 390, height: 844 }, hasTouch: true } },
  { name: 'phone-dark', options: { colorScheme: 'dark', viewport: { width: 390, height: 844 }, hasTouch: true } },
] as const;

for (const { name, options } of forms) {
  test(name, async ({ api, person }) => {
    const ming = await api('小明');
    const bob = await person('Bob');
    const carol = await api('Carol');
    await carol.createRoom('design');
    await carol.createRoom('发布计划');
    await carol.createRoom('random');
    await ming.post('general', '重启之后历史记录都在，一条也没丢 🎉');
    const plug = await ming.post('general', 'I pulled the plug on purpose, twice.');
    const hanako = await person('花子', { ...options, deviceScaleFactor: 2, timezoneId: 'Asia/Shanghai' });
    await bob.react(bob.message('重启之后'), '🎉');
    await bob.react(bob.message('重启之后'), '👏');
    await hanako.page.getByRole('button', { name: /🎉/ }).first().click();
    await bob.page.reload();
    await ming.post('general', CODE, { reply_to: plug.seq });
    await carol.post('general', '@花子 can you look at #design before the call? The phone layout jumped for me when the image loaded.');
    await carol.post('design', 'A first sketch is in the folder, @花子.');
    await carol.post('design', 'Warmer paper, one accent.');
    for (let n = 1; n <= 14; n++) await ming.post('发布计划', `第 ${n} 项`);
    await hanako.say('Looking now.');
    await hanako.say('Found it: the height was missing.');
    await expect(hanako.message('Found it')).toBeVisible();
    await bob.composer.pressSequentially('So');
    await expect(hanako.page.getByText(/Bob is (typing|writing)/)).toBeVisible();
    await hanako.page.screenshot({ path: join(PICTURES, `${name}.png`), scale: 'css' });
  });
}
