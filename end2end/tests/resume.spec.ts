// Whatever happens to the connection or the server: nothing is lost, nothing is said twice, both windows show one order.
import type { Api } from '../support/api.js';
import type { Person } from '../support/person.js';
import { expect, test } from '../support/test.js';

/** The log as the server holds it and as each window shows it are the same, and hold each of `said` once. */
async function expectOneOrder(people: Person[], witness: Api, said: string[]): Promise<void> {
  for (const person of people) await expect(person.messages).toHaveCount(said.length);
  const stored = (await witness.messages('general')).map((message) => message.content ?? '');
  expect([...stored].sort()).toEqual([...said].sort());
  for (const person of people) {
    await expect.poll(() => person.texts(), { message: `the order that ${person.name} sees` }).toEqual(stored);
  }
}

test('a cut network: what both sides say meanwhile arrives once, in one order', async ({ server, person, link, api, picture }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  const witness = await api('Witness');
  const said: string[] = [];
  const say = async (who: Person, text: string) => {
    await who.say(text);
    said.push(text);
  };
  for (let round = 0; round < 3; round++) {
    await say(alice, `alice ${round} before`);
    await say(bob, `bob ${round} before`);
    link.cut();
    for (let i = 0; i < 5; i++) {
      await say(alice, `alice ${round} in the dark ${i}`);
      await say(bob, `bob ${round} in the dark ${i}`);
    }
    if (round === 0) {
      await expect(alice.banner).toBeVisible();
      await picture(alice, 'offline');
    }
    // Somebody whose network works talks on.
    const outside = `outside ${round}`;
    await witness.post('general', outside);
    said.push(outside);
    link.mend();
    await expect(alice.message(`outside ${round}`)).toBeVisible({ timeout: 35_000 });
    await expect(bob.message(`outside ${round}`)).toBeVisible({ timeout: 35_000 });
  }
  await expectOneOrder([alice, bob], witness, said);
  await expect(alice.banner).toBeHidden();
  expect(server.stderr).not.toContain('panicked');
});

test('the browser says it is offline and online again', async ({ person, link, api }) => {
  const alice = await person('Alice');
  const witness = await api('Witness');
  await alice.context.setOffline(true);
  link.cut();
  await alice.say('while away');
  link.mend();
  await alice.context.setOffline(false);
  await expect.poll(async () => (await witness.messages('general')).map((message) => message.content)).toEqual(['while away']);
  await expectOneOrder([alice], witness, ['while away']);
});

test('kill -9 mid-talk: the server comes back with everything, both windows go on', async ({ server, person, api }) => {
  test.setTimeout(120_000);
  const alice = await person('Alice');
  const bob = await person('Bob');
  const said: string[] = [];
  for (let round = 0; round < 3; round++) {
    const talkOn = async (who: Person, name: string) => {
      for (let i = 0; i < 10; i++) {
        const text = `${name} ${round}.${i}`;
        await who.say(text);
        said.push(text);
      }
    };
    // The kill falls somewhere into the talk: after the first words of this round reached the other window.
    const talking = Promise.all([talkOn(alice, 'alice'), talkOn(bob, 'bob')]);
    await expect(bob.message(`alice ${round}.0`)).toBeVisible({ timeout: 35_000 });
    await server.kill();
    await talking;
    await server.start();
    await expect(bob.message(`alice ${round}.9`)).toBeVisible({ timeout: 35_000 });
    await expect(alice.message(`bob ${round}.9`)).toBeVisible({ timeout: 35_000 });
  }
  const witness = await api('Witness');
  await expectOneOrder([alice, bob], witness, said);
  const ids = (await witness.messages('general')).map((message) => message.id);
  expect(new Set(ids).size).toBe(ids.length);
  // Each person's words stand in the order in which they were said.
  for (const name of ['alice', 'bob']) {
    const own = (await alice.texts()).filter((text) => text.startsWith(name));
    expect(own).toEqual(said.filter((text) => text.startsWith(name)));
  }
});

test('an orderly restart says goodbye with 1012 and exits with 0', async ({ server, person }) => {
  const alice = await person('Alice');
  await alice.say('before');
  await expect(alice.message('before')).toBeVisible();
  expect(await server.stop()).toBe(0);
  await server.start();
  await alice.say('after');
  await expect.poll(() => alice.count('ack'), { timeout: 35_000 }).toBe(2);
  await expect(alice.messages).toHaveCount(2);
});

test('whoever does not want to wait for the next attempt need not', async ({ person, link, picture }) => {
  const alice = await person('Alice');
  await alice.page.clock.install();
  // A clock of the test's own keeps no marks of when a page was live.
  await alice.untilJoined(() => alice.page.reload());
  const dot = () => alice.people.locator('.av').first().evaluate((picture) => getComputedStyle(picture, '::after').backgroundColor);
  const present = await dot();
  link.cut();
  await expect(alice.banner).toBeVisible();
  await expect.poll(dot, { message: 'who is here is not known' }).not.toBe(present);
  await picture(alice, 'reconnecting');
  // No timer rings any more: nothing is tried again by itself.
  await alice.page.clock.pauseAt(await alice.page.evaluate(() => Date.now() + 1_000));
  const joined = alice.count('joined');
  link.mend();
  await alice.page.getByRole('button', { name: 'Try now' }).click();
  await expect.poll(() => alice.count('joined')).toBeGreaterThan(joined);
  await alice.page.clock.resume();
  await expect(alice.banner).toBeHidden();
  expect(await dot()).toBe(present);
});
