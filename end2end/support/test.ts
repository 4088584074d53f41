// `test` with what every spec needs: a server of its own, a link that can be cut, and people at browsers.
import { type BrowserContextOptions, test as base } from '@playwright/test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Api } from './api.js';
import { Link } from './link.js';
import { Person } from './person.js';
import { Server, type Settings } from './server.js';

export { expect } from '@playwright/test';

const ARTEFACTS = join(import.meta.dirname, '../artefacts');

interface Fixtures {
  /** The server's settings, beside its address and data folder. */
  settings: Settings;
  /** The server under test. */
  server: Server;
  /** The network between the browsers and the server. */
  link: Link;
  /** A guest that speaks HTTP, past the link. */
  api: (name: string) => Promise<Api>;
  /** Somebody at a browser window of their own, not signed in. */
  visitor: (name: string, options?: BrowserContextOptions) => Promise<Person>;
  /** Somebody at a browser window of their own, signed in and in `#general`. */
  person: (name: string, options?: BrowserContextOptions) => Promise<Person>;
  /** Keeps a picture of a person's window as an artefact. */
  picture: (person: Person, name: string) => Promise<void>;
}

export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],

  server: async ({ settings }, use, info) => {
    const server = await Server.start(settings);
    await use(server);
    if (info.status !== info.expectedStatus) await info.attach('server.log', { body: server.stderr });
    await server.dispose();
  },

  link: async ({ server }, use) => {
    const link = await Link.open(() => server.port);
    await use(link);
    await link.close();
  },

  api: async ({ server }, use) => use((name) => Api.guest(() => server.url, name)),

  visitor: async ({ browser, link }, use, info) => {
    const people: Person[] = [];
    await use(async (name, options) => {
      const context = await browser.newContext(options);
      const person = new Person(await context.newPage(), link.url, name, options?.hasTouch);
      people.push(person);
      return person;
    });
    if (info.status !== info.expectedStatus) {
      const told = people.map(({ name, complaints }) => [name, ...complaints].join('\n  ')).join('\n');
      await info.attach('console.txt', { body: told });
    }
    for (const person of people) await person.context.close();
    const uncaught = people.flatMap((person) => person.complaints.filter((text) => text.startsWith('uncaught')));
    if (uncaught.length > 0) throw new Error(`errors that nobody caught on the page:\n${uncaught.join('\n')}`);
  },

  person: async ({ visitor }, use) => use(async (name, options) => (await visitor(name, options)).signIn()),

  picture: async ({}, use) =>
    use(async (person, name) => {
      await mkdir(ARTEFACTS, { recursive: true });
      await person.page.screenshot({ path: join(ARTEFACTS, `${name}.png`) });
    }),
});
