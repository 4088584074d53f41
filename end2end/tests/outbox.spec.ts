// What was typed offline is kept in the browser, across reloads and closed tabs, and sent once.
import { Person } from '../support/person.js';
import { expect, test } from '../support/test.js';

test('sent offline, tab closed, opened again: sent once', async ({ person, link, api }) => {
  const alice = await person('Alice');
  const witness = await api('Witness');
  await alice.say('online');
  await expect.poll(() => alice.count('ack')).toBe(1);
  link.cut();
  await alice.say('offline 1');
  await alice.say('offline 2');
  await expect(alice.message('offline 2')).toBeVisible();
  const context = alice.context;
  await alice.page.close();
  link.mend();
  expect((await witness.messages('general')).map((message) => message.content)).toEqual(['online']);

  const again = new Person(await context.newPage(), link.url, 'Alice');
  await again.untilLive(() => again.open('/rooms/general'));
  const said = ['online', 'offline 1', 'offline 2'];
  await expect.poll(async () => (await witness.messages('general')).map((message) => message.content)).toEqual(said);
  await expect.poll(() => again.texts()).toEqual(said);
  // A third window of the same browser finds nothing left to send.
  await again.reload();
  await again.say('and on');
  await expect.poll(async () => (await witness.messages('general')).map((message) => message.content)).toEqual([...said, 'and on']);
});

test('two tabs that share an outbox send it once', async ({ person, link, api }) => {
  const alice = await person('Alice');
  const witness = await api('Witness');
  const second = new Person(await alice.context.newPage(), link.url, 'Alice');
  await second.untilLive(() => second.open('/rooms/general'));
  link.cut();
  await alice.say('from the first tab');
  await second.say('from the second tab');
  const third = new Person(await alice.context.newPage(), link.url, 'Alice');
  link.mend();
  await third.untilLive(() => third.open('/rooms/general'));
  const said = ['from the first tab', 'from the second tab'];
  for (const tab of [alice, second, third]) await expect(tab.messages).toHaveCount(2, { timeout: 35_000 });
  expect((await witness.messages('general')).map((message) => message.content).sort()).toEqual(said);
});

/** Most operations that a browser keeps: OUTBOX_MAX_OPS in protocol/src/session/config.rs. */
const OUTBOX_MAX_OPS = 500;

test('a message that the browser has no space for says so, and is sent once there is some', async ({ person, api }) => {
  const alice = await person('Alice');
  await alice.page.evaluate(() => {
    let piece = 'x'.repeat(1 << 20);
    for (let n = 0; piece.length > 0; n++) {
      try {
        localStorage.setItem(`of another program ${n}`, piece);
      } catch {
        piece = piece.slice(piece.length >> 1);
        if (piece.length === 1) piece = '';
      }
    }
  });
  await alice.say('where to put it?');
  const row = alice.message('where to put it?');
  await expect(row).toContainText('Not sent. Your browser has no space left to keep this safe.');
  await row.getByRole('button', { name: 'Try again' }).click();
  await expect(row).toContainText('no space left');
  await alice.page.evaluate(() => localStorage.removeItem('of another program 0'));
  await row.getByRole('button', { name: 'Try again' }).click();
  await expect(row).not.toContainText('Not sent');
  const witness = await api('Witness');
  await expect.poll(async () => (await witness.messages('general')).map((message) => message.content)).toEqual(['where to put it?']);
});

test('a message for which too many others wait says so', async ({ person, link }) => {
  const alice = await person('Alice');
  link.cut();
  await alice.say('the first that waits');
  await alice.page.evaluate((max) => {
    const key = Object.keys(localStorage).find((key) => key.startsWith('hubbub.outbox.')) ?? '';
    const entry = localStorage.getItem(key) ?? '';
    const id = key.slice(key.lastIndexOf('.') + 1);
    for (let n = 1; n < max; n++) {
      const other = crypto.randomUUID();
      // They have failed, so that they do not go out.
      const failed = { ...JSON.parse(entry.replaceAll(id, other)), refused: { code: 'target_not_found', message: '' } };
      localStorage.setItem(key.replace(id, other), JSON.stringify(failed));
    }
  }, OUTBOX_MAX_OPS);
  link.mend();
  await alice.reload();
  await expect.poll(() => alice.count('ack'), 'one of them waited').toBe(1);
  await alice.say('the last that fits');
  await expect.poll(() => alice.count('ack')).toBe(2);
  link.cut();
  await alice.say('it waits');
  await alice.say('one too many');
  await expect(alice.message('one too many')).toContainText('Not sent. Too many messages are not sent yet.');
  await expect(alice.message('it waits')).not.toContainText('Not sent');
});

test('a draft waits where it was left', async ({ person }) => {
  const alice = await person('Alice');
  await alice.composer.fill('half a thought');
  await expect.poll(() => alice.page.evaluate(() => JSON.stringify(localStorage))).toContain('half a thought');
  await alice.reload();
  await expect(alice.composer).toHaveValue('half a thought');
});
