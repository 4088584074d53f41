// Somebody at a browser. What a person can find on the page (roles, labels, words) is named here once; the tests speak
// of people, rooms and messages.
import { type BrowserContext, type Locator, type Page, expect } from '@playwright/test';

/** After how many presses of Tab a part of the page counts as out of reach. */
const TABS_MAX = 60;

/** A frame of the socket; see docs/PROTOCOL.md. */
export interface Frame {
  type: string;
  [field: string]: unknown;
}

export class Person {
  /** Uncaught errors and everything the console calls an error or a warning, in the order of appearance. */
  readonly complaints: string[] = [];
  /** What went over the page's sockets, in order. */
  readonly sent: Frame[] = [];
  readonly received: Frame[] = [];

  constructor(
    readonly page: Page,
    readonly base: string,
    readonly name: string,
    /** Whether they touch the screen: Enter on its keyboard breaks the line. */
    private readonly touches = false,
  ) {
    page.on('pageerror', (error) => this.complaints.push(`uncaught: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => this.sent.push(JSON.parse(payload.toString()) as Frame));
      socket.on('framereceived', ({ payload }) => {
        for (const line of payload.toString().split('\n')) this.received.push(JSON.parse(line) as Frame);
      });
    });
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  // ---- Coming in ----

  /** Opens a path of the product. */
  async open(path = '/'): Promise<void> {
    await this.page.goto(this.base + path);
  }

  /** Does `step`, and waits until all of the page that it leads to is live and its socket has joined a room. */
  async untilLive(step: () => Promise<unknown>): Promise<void> {
    await this.untilJoined(step);
    await this.page.waitForFunction(() => performance.getEntriesByName('live').length);
  }

  /** Does `step`, and waits until the socket of the page that it leads to has joined a room. */
  async untilJoined(step: () => Promise<unknown>): Promise<void> {
    const before = this.count('joined');
    await step();
    await expect(this.log).toBeVisible();
    await expect.poll(() => this.count('joined'), { message: 'the socket joins' }).toBeGreaterThan(before);
  }

  async reload(): Promise<void> {
    await this.untilLive(() => this.page.reload());
  }

  /** How many frames of that type have come. */
  count(type: string): number {
    return this.received.filter((frame) => frame.type === type).length;
  }

  /** Picks the name and comes in. */
  async signIn(path = '/'): Promise<this> {
    await this.open(path);
    await this.page.getByRole('textbox', { name: 'Your name' }).fill(this.name);
    await this.untilLive(() => this.page.getByRole('button', { name: 'Come in' }).click());
    return this;
  }

  // ---- The conversation ----

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: /^Message / });
  }

  get log(): Locator {
    return this.page.getByRole('log', { name: /^Messages in / });
  }

  /** Every message in the log. */
  get messages(): Locator {
    return this.log.getByRole('article');
  }

  /** The message that says `text`; one that merely quotes it is not meant. */
  message(text: string | RegExp): Locator {
    return this.messages.filter({ has: this.page.locator('.message-body', { hasText: text }) });
  }

  /** The message of `bulk` with that number. */
  numbered(number: number): Locator {
    return this.message(new RegExp(`^\\s*${number}: `));
  }

  /** The same once it has its place in the log, and can be acted upon. */
  async placed(text: string): Promise<Locator> {
    const message = this.message(text);
    await expect(message).toHaveAttribute('id', /^m\d+$/);
    return message;
  }

  /** What the messages say as a reader sees them: names, times, marks and buttons left out. */
  async texts(): Promise<string[]> {
    return this.messages.evaluateAll((rows) =>
      rows.map((row) => {
        const body = row.querySelector('.message-body')?.cloneNode(true) as Element | undefined;
        body?.querySelectorAll('.edited').forEach((mark) => mark.remove());
        return body?.textContent ?? '';
      }),
    );
  }

  /** Types into the composer at once and sends, as one does on that device. */
  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    if (this.touches) await this.page.getByRole('button', { name: 'Send', exact: true }).tap();
    else await this.composer.press('Enter');
    await expect(this.composer).toHaveValue('');
  }

  /** Presses Enter until it sends: right after a composition has ended the page still takes it for a part of that. */
  async pressEnterUntilSent(): Promise<void> {
    await expect(async () => {
      await this.composer.press('Enter');
      await expect(this.composer).toHaveValue('', { timeout: 100 });
    }).toPass();
  }

  /** Presses one of a message's buttons, which appear when it is pointed at. */
  async act(message: Locator, name: string): Promise<void> {
    await message.hover();
    await message.getByRole('button', { name, exact: true }).click();
  }

  /** Takes back a message of one's own. */
  async delete(message: Locator): Promise<void> {
    await this.act(message, 'Delete');
    await this.page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  }

  /** Puts an emoji on a message with the picker. */
  async react(message: Locator, emoji: string): Promise<void> {
    await this.act(message, 'Add a reaction');
    await this.page.getByRole('dialog').getByRole('button', { name: emoji }).first().click();
  }

  // ---- The past ----

  /** The button that leads to the newest messages, whatever it counts. */
  get toNewest(): Locator {
    return this.page.getByRole('button', { name: /^(Jump to newest|\d+ new messages?)$/ });
  }

  /**
   * Scrolls to the beginning of what the log holds and waits until older messages have come, or there are none.
   * Answers the numbers that the messages of `bulk` begin with, and how far the message that was first has moved on
   * the screen, in pixels.
   */
  async scrollBack(): Promise<{ numbers: string[]; moved: number }> {
    return this.log.evaluate(async (log) => {
      const scrolls = (element: Element) => /auto|scroll/.test(getComputedStyle(element).overflowY);
      let scroller: Element | null = log;
      while (scroller && !(scrolls(scroller) && scroller.scrollHeight > scroller.clientHeight)) scroller = scroller.parentElement;
      if (!scroller) throw new Error('the log does not scroll');
      const rows = () => [...log.querySelectorAll('article')];
      const text = (row: Element) => row.querySelector('.message-body')?.textContent ?? '';
      const numbers = () => rows().flatMap((row) => /^\s*(\d+): /.exec(text(row))?.[1] ?? []);
      const frame = () => new Promise(requestAnimationFrame);

      const first = rows()[0];
      // Also reaches the top of a reversed column, whose positions are negative.
      scroller.scrollTo({ top: -1e9, behavior: 'instant' });
      const before = first.getBoundingClientRect().top;
      if (numbers().includes('1')) return { numbers: numbers(), moved: 0 };
      while (rows()[0] === first) await frame();
      // One frame to lay out, one for a correction that comes late to show itself.
      await frame();
      await frame();
      return { numbers: numbers(), moved: first.getBoundingClientRect().top - before };
    });
  }

  // ---- Around it ----

  get banner(): Locator {
    return this.page.getByRole('status').filter({ hasText: /offline|connection lost/i });
  }

  /** Who is here; on a phone a drawer. */
  get people(): Locator {
    return this.page.getByRole('complementary', { name: 'People here' });
  }

  /** The rooms in the sidebar; on a phone a drawer too. */
  get rooms(): Locator {
    return this.page.getByRole('navigation', { name: 'Rooms' });
  }

  room(name: string): Locator {
    return this.rooms.getByRole('link', { name });
  }

  async createRoom(name: string, visibility: 'public' | 'private' = 'public'): Promise<void> {
    await this.page.getByRole('button', { name: 'New room' }).click();
    const dialog = this.page.getByRole('dialog', { name: 'New room' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
    if (visibility === 'private') await dialog.getByRole('radio', { name: /private/i }).check();
    await dialog.getByRole('button', { name: 'Make the room' }).click();
    await expect(this.page.getByRole('log', { name: `Messages in ${name}` })).toBeVisible();
  }

  /** The invitation link of the open private room, as its button copies it. */
  async invitation(): Promise<string> {
    await this.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await this.page.getByRole('button', { name: 'Copy invitation link' }).click();
    const clipboard = () => this.page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(clipboard).toContain('/join/');
    return clipboard();
  }

  /** Asks to sign out in the menu. */
  async askToSignOut(): Promise<void> {
    await this.page.getByRole('button', { name: this.name, exact: true }).click();
    await this.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  }

  /** The names and values of all that the browser keeps of anybody. */
  async kept(): Promise<string> {
    return this.page.evaluate(() => JSON.stringify(Object.entries(localStorage)));
  }

  async chooseLanguage(language: string): Promise<void> {
    await this.page.getByRole('button', { name: this.name, exact: true }).click();
    await this.page.getByRole('button', { name: language }).click();
  }

  /** Presses Tab until `target` has the focus, as somebody without a mouse does. */
  async tabTo(target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    for (let i = 0; i < TABS_MAX; i++) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await this.page.keyboard.press(key);
    }
    throw new Error(`${TABS_MAX} times ${key} do not lead to ${target}`);
  }
}
