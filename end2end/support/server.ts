// The server under test, as a process: started on a data folder of its own, killed without warning, started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const BINARY = resolve(process.env.HUBBUB_BIN ?? join(import.meta.dirname, '../../target/release/hubbub'));
/** How long a server may take until it listens, in milliseconds. */
const START_MAX_MS = 10_000;
/** How long a server may take to end after SIGTERM, in milliseconds; then it is killed. */
const STOP_MAX_MS = 15_000;

/** Settings of the server, by the names of their variables. */
export type Settings = Record<string, string>;

export class Server {
  /** Where it listens; the same after every start. */
  port = 0;
  /** All that it wrote to stderr, for a failed test's report. */
  stderr = '';
  private process?: ChildProcess;

  private constructor(
    readonly data: string,
    private readonly settings: Settings,
  ) {}

  /** A server on a fresh data folder. Rates are lifted unless `settings` say otherwise: a script types faster than people. */
  static async start(settings: Settings = {}): Promise<Server> {
    if (!existsSync(BINARY)) throw new Error(`no server at ${BINARY}: run scripts/build.sh, or set HUBBUB_BIN`);
    const data = await mkdtemp(join(tmpdir(), 'hubbub-end2end-'));
    const server = new Server(data, { HUBBUB_RATE_LIMITS: 'off', ...settings });
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the process; resolves when it has said where it listens. */
  async start(): Promise<void> {
    const env = { ...process.env, ...this.settings, HUBBUB_LISTEN: `127.0.0.1:${this.port}`, HUBBUB_DATA: this.data };
    const child = spawn(BINARY, [], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MAX_MS);
    for await (const line of createInterface(child.stdout)) {
      const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
      if (!address) continue;
      clearTimeout(timer);
      this.port = Number(address[1]);
      child.stdout.resume();
      return;
    }
    clearTimeout(timer);
    throw new Error(`the server ended before it listened:\n${this.stderr}`);
  }

  /** `kill -9`: no goodbye, no flush. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM, as an orderly restart does it; resolves with the exit code. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** Ends the process and removes its data. */
  async dispose(): Promise<void> {
    await this.end('SIGKILL');
    await rm(this.data, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS);
    await gone;
    clearTimeout(timer);
    return child.exitCode;
  }
}
