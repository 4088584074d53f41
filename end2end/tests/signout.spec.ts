// What was written and not sent is asked about before signing out, and nobody else finds it in the browser.
import { Person } from '../support/person.js';
import { type Frame, expect, test } from '../support/test.js';

/** From now on the server hears of no message of theirs, though all else goes on. */
async function silence(person: Person): Promise<void> {
  await person.page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      if ((JSON.parse(text.toString()) as Frame).type !== 'send') server.send(text);
    });
  });
  await person.reload();
}

test('whoever has something unsent is asked first, by keyboard too', async ({ person, visitor, picture }) => {
  const alice = await person('Alice');
  await silence(alice);
  await alice.say('never sent');
  await alice.composer.fill('half a thought');
  const keyboard = alice.page.keyboard;
  const menu = alice.page.getByRole('button', { name: 'Alice', exact: true });
  const dialog = alice.page.getByRole('dialog', { name: 'Sign out and lose what is not sent?' });
  const ask = async () => {
    await alice.tabTo(menu);
    await keyboard.press('Enter');
    await alice.tabTo(alice.page.getByRole('button', { name: 'Sign out', exact: true }));
    await keyboard.press('Enter');
    await expect(dialog).toContainText('Messages not sent: 1');
    await expect(dialog).toContainText('Drafts: 1');
  };
  await ask();
  await expect(dialog.getByRole('button', { name: 'Stay' })).toBeFocused();
  await picture(alice, 'sign-out');
  await keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(menu).toBeFocused();
  expect(await alice.kept()).toMatch(/never sent.*half a thought|half a thought.*never sent/);

  await ask();
  await alice.tabTo(dialog.getByRole('button', { name: 'Sign out' }));
  await keyboard.press('Enter');
  await expect(alice.page.getByRole('textbox', { name: 'Your name' })).toBeVisible();
  await expect(alice.page).toHaveURL(`${alice.base}/`);
  expect(await alice.kept()).toBe('[]');
});

test('what could not be said to the server costs nothing', async ({ person, link }) => {
  const alice = await person('Alice');
  await alice.composer.fill('half a thought');
  await alice.askToSignOut();
  const dialog = alice.page.getByRole('dialog', { name: 'Sign out and lose what is not sent?' });
  link.cut();
  await dialog.getByRole('button', { name: 'Sign out' }).click();
  await expect(dialog.getByRole('alert')).toHaveText('The server cannot do this right now. Try again in a minute.');
  expect(await alice.kept()).toContain('half a thought');
  await dialog.getByRole('button', { name: 'Stay' }).click();
  await expect(alice.composer).toHaveValue('half a thought');
});

test('whoever has nothing unsent is not asked', async ({ person }) => {
  const alice = await person('Alice');
  await alice.say('sent');
  await expect.poll(() => alice.count('ack')).toBe(1);
  await alice.askToSignOut();
  await expect(alice.page.getByRole('textbox', { name: 'Your name' })).toBeVisible();
  expect(await alice.kept()).toBe('[]');
  const cookies = (await alice.context.cookies()).map(({ name }) => name);
  expect(cookies).not.toContain('room');
});

test('while signing out takes a while, that is said, and nothing is taken that would be lost', async ({ person, picture }) => {
  const alice = await person('Alice');
  let answer = () => {};
  const asked = new Promise<void>((resolve) => (answer = resolve));
  await alice.page.route('**/api/v1/sign-out', async (route) => {
    await asked;
    await route.continue();
  });
  await alice.askToSignOut();
  const said = alice.page.getByRole('status').filter({ hasText: 'Signing out …' });
  // It is said at once, and shown when it takes a while.
  await expect(said).toHaveCSS('opacity', '1');
  await alice.page.keyboard.type('lost words?');
  expect(await alice.page.locator('textarea[name=content]').inputValue()).toBe('');
  await picture(alice, 'signing-out');
  answer();
  await expect(alice.page.getByRole('textbox', { name: 'Your name' })).toBeVisible();
});

test('other tabs of whoever signs out leave nothing behind', async ({ person, link }) => {
  const alice = await person('Alice');
  const second = new Person(await alice.context.newPage(), link.url, 'Alice');
  await second.untilLive(() => second.open('/rooms/general'));
  await second.composer.fill('in the second tab');
  await expect.poll(() => second.kept()).toContain('in the second tab');
  await second.composer.fill('changed right before');
  await alice.askToSignOut();
  const dialog = alice.page.getByRole('dialog', { name: 'Sign out and lose what is not sent?' });
  await expect(dialog).toContainText('Drafts: 1');
  await dialog.getByRole('button', { name: 'Sign out' }).click();
  // The second tab may have kept its last words when the first had cleaned up already, and then does so itself.
  for (const tab of [alice, second]) await expect(tab.page.getByRole('textbox', { name: 'Your name' })).toBeVisible();
  expect(await alice.kept()).toBe('[]');
});

test('the next person in a browser finds nothing of the one before', async ({ person, link }) => {
  const alice = await person('Alice');
  await alice.composer.fill('a secret draft');
  await expect.poll(() => alice.kept()).toContain('a secret draft');
  await alice.page.goto('about:blank');
  await alice.context.clearCookies();
  const bob = new Person(alice.page, link.url, 'Bob');
  await bob.signIn();
  await expect(bob.composer).toHaveValue('');
  expect(await bob.kept()).toBe('[]');
});

test('a page whose browser somebody else has come in with sends nothing in their name', async ({ person, link, server, api }) => {
  const alice = await person('Alice');
  link.cut();
  await alice.say('from Alice');
  await alice.context.clearCookies();
  const bob = new Person(await alice.context.newPage(), server.url, 'Bob');
  await bob.signIn();
  link.mend();
  // The old page becomes one of the new person's.
  await expect(alice.page.getByRole('button', { name: 'Bob', exact: true })).toBeVisible({ timeout: 35_000 });
  await expect.poll(() => alice.kept()).toBe('[]');
  const witness = await api('Witness');
  expect(await witness.messages('general')).toEqual([]);
});
