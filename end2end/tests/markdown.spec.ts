// What people type is shown as they meant it, and never becomes a part of the page.
import { expect, test } from '../support/test.js';

test('hostile text stays text', async ({ person }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  const attacks = [
    '<img src=x onerror="window.broken = 1">',
    '<script>window.broken = 1</script>',
    '[click](javascript:window.broken=1)',
    '[click](data:text/html,<script>1</script>)',
    '"><svg onload=window.broken=1>',
  ];
  for (const attack of attacks) await alice.say(attack);
  for (const person of [alice, bob]) {
    await expect(person.messages).toHaveCount(attacks.length);
    await expect(person.log.locator('img, script, svg[onload], a[href^="javascript:"], a[href^="data:"]')).toHaveCount(0);
    expect(await person.page.evaluate(() => 'broken' in window)).toBe(false);
  }
  await bob.reload();
  await expect(bob.messages).toHaveCount(attacks.length);
  expect(await bob.page.evaluate(() => 'broken' in window)).toBe(false);
  expect(bob.complaints).toEqual([]);
});

test('mentions, rooms and links are what they look like', async ({ person }) => {
  const alice = await person('Alice');
  const bob = await person('Bob');
  await alice.say('@Bob see #general and https://example.org/a_(b).');
  const row = bob.message('@Bob see');
  await expect(row.getByRole('link', { name: '#general' })).toHaveAttribute('href', '/rooms/general');
  const outside = row.getByRole('link', { name: 'https://example.org/a_(b)' });
  await expect(outside).toHaveAttribute('href', 'https://example.org/a_(b)');
  await expect(outside).toHaveAttribute('rel', /noopener/);
});
