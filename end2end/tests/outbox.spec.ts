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

test('a draft waits where it was left', async ({ person }) => {
  const alice = await person('Alice');
  await alice.composer.fill('half a thought');
  await expect.poll(() => alice.page.evaluate(() => JSON.stringify(localStorage))).toContain('half a thought');
  await alice.reload();
  await expect(alice.composer).toHaveValue('half a thought');
});
