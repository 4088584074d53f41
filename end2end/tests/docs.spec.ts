// The programs that are printed in docs/PROTOCOL.md work as printed.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestInfo } from '@playwright/test';
import { expect, test } from '../support/test.js';

const REFERENCE = readFileSync(join(import.meta.dirname, '../../docs/PROTOCOL.md'), 'utf8');
const PRINTED_ADDRESS = 'http://127.0.0.1:3000';

/** The text of the fenced block that begins with that line. */
function printed(fence: string): string {
  const [, rest] = REFERENCE.split(`\n\`\`\`${fence}\n`);
  return rest.split('\n```')[0];
}

/** The printed client as a process, and all that it has said so far. */
class Talk {
  output = '';

  private constructor(private readonly process: ChildProcessWithoutNullStreams) {
    for (const stream of [process.stdout, process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  static async start(info: TestInfo, url: string, flags: string[] = []): Promise<Talk> {
    const file = info.outputPath('talk.mjs');
    await writeFile(file, printed('js talk.mjs'));
    // Node has WebSocket by itself since version 22.
    const own = 'WebSocket' in globalThis ? [] : ['--experimental-websocket', '--no-warnings'];
    return new Talk(spawn(process.execPath, [...own, ...flags, file, url, 'printed'], { stdio: 'pipe' }));
  }

  type(...lines: string[]): void {
    this.process.stdin.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** How often it said this line. */
  count(line: string): number {
    return this.output.split('\n').filter((other) => other === line).length;
  }

  async end(): Promise<void> {
    this.process.kill();
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'close');
  }
}

test('the JavaScript client fits on a screen', () => {
  expect(printed('js talk.mjs').split('\n').length).toBeLessThanOrEqual(20);
});

test('the JavaScript client talks, resumes and repeats what was not acknowledged', async ({ server, link, api }, info) => {
  const witness = await api('Witness');
  await witness.post('general', 'said before');
  const client = await Talk.start(info, link.url);
  try {
    await expect.poll(() => client.output).toContain('Witness: said before\n');
    client.type('hello from Node');
    await expect.poll(() => client.output).toContain('printed: hello from Node\n');
    link.cut();
    client.type('typed in the dark');
    await witness.post('general', 'said meanwhile');
    link.mend();
    await expect.poll(() => client.output, { timeout: 30_000 }).toContain('printed: typed in the dark\n');
    expect(client.output).toContain('Witness: said meanwhile\n');
    await server.kill();
    client.type('typed while it was down');
    await server.start();
    await expect.poll(() => client.output, { timeout: 30_000 }).toContain('printed: typed while it was down\n');
    expect((await witness.messages('general')).map((message) => message.content)).toEqual([
      'said before',
      'hello from Node',
      'said meanwhile',
      'typed in the dark',
      'typed while it was down',
    ]);
    for (const line of new Set(client.output.trim().split('\n'))) {
      expect(client.count(line), `“${line}” is shown once`).toBe(1);
    }
  } finally {
    await client.end();
  }
});

test.describe('where little may be said at once', () => {
  test.use({ settings: { HUBBUB_RATE_LIMITS: 'on', HUBBUB_OP_RATE: '2/2s' } });

  test('the JavaScript client sends again what was refused for now', async ({ server, api }, info) => {
    const witness = await api('Witness');
    const client = await Talk.start(info, server.url);
    const lines = ['one', 'two', 'three', 'four'];
    try {
      client.type(...lines);
      const stored = async () => (await witness.messages('general')).map((message) => message.content).sort();
      await expect.poll(stored, { timeout: 30_000 }).toEqual([...lines].sort());
      for (const line of lines) await expect.poll(() => client.count(`printed: ${line}`)).toBe(1);
      expect(client.output, 'something was refused').toContain('faster than');
    } finally {
      await client.end();
    }
  });
});

/**
 * A server as no real one is: it sends an event a second time, late, and ends the connection. It is put in the place of
 * `fetch` and `WebSocket`; what the client joins with is said on its standard output.
 */
const REPEATING_SERVER = `
const event = (seq) => ({ type: 'message', seq, username: 'Server', content: 'event ' + seq });
globalThis.fetch = async () => ({ json: async () => ({ token: 'any' }) });
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() { setImmediate(() => this.say({ type: 'welcome' })); }
  say(...frames) { for (const frame of frames) this.onmessage({ data: JSON.stringify(frame) }); }
  send(text) {
    const { type, after } = JSON.parse(text);
    if (type !== 'join') return;
    console.log('joined after ' + after);
    if (after === undefined) {
      this.say({ type: 'joined', epoch: 'e1', head: 5, resumed: false, reason: 'no_cursor', messages: [event(4), event(5)] });
      this.say(event(6), event(4), event(7), event(5));
    } else {
      this.say({ type: 'joined', epoch: 'e2', head: 2, resumed: false, reason: 'epoch_changed', messages: [event(1), event(2)] });
      this.say(event(2), event(3));
      if (after === 3) return;
    }
    setImmediate(() => this.onclose({ code: 1012 }));
  }
};`;

test('the JavaScript client takes an event that it knows for no news', async ({}, info) => {
  const stage = info.outputPath('stage.mjs');
  await writeFile(stage, REPEATING_SERVER);
  const client = await Talk.start(info, 'http://nowhere', ['--import', stage]);
  try {
    await expect.poll(() => client.output, { timeout: 30_000 }).toContain('joined after 3\n');
    // The new life of the log has events 1 and 2 as well: they are others than those it saw.
    const first = ['joined after undefined', 'Server: event 4', 'Server: event 5', 'Server: event 6', 'Server: event 7'];
    const second = ['joined after 7', 'Server: event 1', 'Server: event 2', 'Server: event 3'];
    expect(client.output.split('\n').slice(0, 10)).toEqual([...first, ...second, 'joined after 3']);
  } finally {
    await client.end();
  }
});

test('the shell lines work', async ({ server }) => {
  const script = printed('sh').replaceAll(PRINTED_ADDRESS, server.url);
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(shell, 'close')) as [number];
  expect(code).toBe(0);
  const page = JSON.parse(output.slice(output.indexOf('{"epoch"'))) as { messages: { content: string; username: string }[] };
  expect(page.messages.map(({ username, content }) => [username, content])).toEqual([['from-a-shell', 'Hello from a shell']]);
});
