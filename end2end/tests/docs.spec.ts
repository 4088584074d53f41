// The programs that are printed in docs/PROTOCOL.md work as printed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '../support/test.js';

const REFERENCE = readFileSync(join(import.meta.dirname, '../../docs/PROTOCOL.md'), 'utf8');
const PRINTED_ADDRESS = 'http://127.0.0.1:3000';

/** The text of the fenced block that begins with that line. */
function printed(fence: string): string {
  const [, rest] = REFERENCE.split(`\n\`\`\`${fence}\n`);
  return rest.split('\n```')[0];
}

test('the JavaScript client talks, resumes and repeats what was not acknowledged', async ({ server, link, api }, info) => {
  const program = printed('js talk.mjs');
  expect(program.split('\n').length, 'it fits on a screen').toBeLessThanOrEqual(20);
  const file = info.outputPath('talk.mjs');
  await writeFile(file, program);
  const witness = await api('Witness');
  await witness.post('general', 'said before');

  // Node has WebSocket by itself since version 22.
  const flags = 'WebSocket' in globalThis ? [] : ['--experimental-websocket', '--no-warnings'];
  const client = spawn(process.execPath, [...flags, file, link.url, 'printed'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  client.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  client.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const stored = async () => (await witness.messages('general')).map((message) => message.content);
  try {
    await expect.poll(() => output).toContain('Witness: said before\n');
    client.stdin.write('hello from Node\n');
    await expect.poll(() => output).toContain('printed: hello from Node\n');
    link.cut();
    client.stdin.write('typed in the dark\n');
    await witness.post('general', 'said meanwhile');
    link.mend();
    await expect.poll(() => output, { timeout: 30_000 }).toContain('printed: typed in the dark\n');
    expect(output).toContain('Witness: said meanwhile\n');
    await server.kill();
    client.stdin.write('typed while it was down\n');
    await server.start();
    await expect.poll(() => output, { timeout: 30_000 }).toContain('printed: typed while it was down\n');
    expect(await stored()).toEqual([
      'said before',
      'hello from Node',
      'said meanwhile',
      'typed in the dark',
      'typed while it was down',
    ]);
    for (const line of new Set(output.trim().split('\n'))) {
      expect(output.split('\n').filter((other) => other === line), 'each is shown once').toHaveLength(1);
    }
  } finally {
    client.kill();
    await once(client, 'close');
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
