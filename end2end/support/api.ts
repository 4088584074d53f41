// The HTTP interface as a program uses it: to fill rooms, and to ask the server what it really holds.
import { expect } from '@playwright/test';

export interface Message {
  seq: number;
  version: number;
  id: string;
  user_id: string;
  username: string;
  content: string | null;
  timestamp: string;
  reply_to: number | null;
  reactions?: { emoji: string; users: { user_id: string; username: string }[] }[];
}

export interface Page {
  epoch: string;
  head: number;
  messages: Message[];
  has_more_before: boolean;
  has_more_after: boolean;
}

export interface Posted {
  id: string;
  seq: number;
  timestamp: string;
}

/** Most messages on one page. */
const PAGE_MAX_MESSAGES = 100;

export class Api {
  private constructor(
    private readonly base: () => string,
    readonly username: string,
    readonly token: string,
  ) {}

  /** A guest of that name. */
  static async guest(base: () => string, username: string): Promise<Api> {
    const response = await fetch(`${base()}/api/v1/guests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username }),
    });
    expect(response.status, await response.clone().text()).toBe(201);
    const { token } = (await response.json()) as { token: string };
    return new Api(base, username, token);
  }

  /** One request; `body` goes as JSON. */
  async request(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(this.base() + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  async post(room: string, content: string, more: object = {}): Promise<Posted> {
    const response = await this.request('POST', `/api/v1/rooms/${encodeURIComponent(room)}/messages`, { content, ...more });
    expect(response.status, await response.clone().text()).toBe(201);
    return (await response.json()) as Posted;
  }

  /** Posts `contents` one after the other, so that they stand in this order. */
  async fill(room: string, contents: Iterable<string>): Promise<Posted[]> {
    const posted: Posted[] = [];
    for (const content of contents) posted.push(await this.post(room, content));
    return posted;
  }

  async createRoom(name: string, visibility: 'public' | 'private' = 'public'): Promise<{ slug: string; invite?: string }> {
    const response = await this.request('POST', '/api/v1/rooms', { name, visibility });
    expect(response.status, await response.clone().text()).toBe(201);
    return (await response.json()) as { slug: string; invite?: string };
  }

  async page(room: string, query = ''): Promise<Page> {
    const response = await this.request('GET', `/api/v1/rooms/${encodeURIComponent(room)}/messages${query}`);
    expect(response.status, await response.clone().text()).toBe(200);
    return (await response.json()) as Page;
  }

  /** Every message of a room, oldest first. */
  async messages(room: string): Promise<Message[]> {
    let page = await this.page(room, `?limit=${PAGE_MAX_MESSAGES}`);
    const messages = page.messages;
    while (page.has_more_before) {
      page = await this.page(room, `?limit=${PAGE_MAX_MESSAGES}&before=${messages[0].seq}`);
      expect(page.messages.length, 'a page before another has messages').toBeGreaterThan(0);
      messages.unshift(...page.messages);
    }
    return messages;
  }
}
