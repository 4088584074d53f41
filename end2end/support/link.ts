// The network between browser and server, as something that can fail: a TCP relay that is cut and mended at will. The
// browser's own "offline" switch leaves open sockets alone; this does not.
import { type AddressInfo, type Server as Listener, type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';

/**
 * How late all that the server sends comes, in milliseconds: 0, or LINK_DELAY_MS, with which the tests are to pass as well. What a
 * test takes for granted that the network has yet to bring shows itself there.
 */
const DELAY_MS = Number(process.env.LINK_DELAY_MS ?? 0);

export class Link {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  /** What the server has sent since `hold`, and to whom. */
  private held?: [Socket, Buffer][];

  private constructor(
    private readonly listener: Listener,
    private readonly target: () => number,
  ) {}

  /** A link to the loopback port that `target` names at each connection. */
  static async open(target: () => number): Promise<Link> {
    const listener = createServer();
    const link = new Link(listener, target);
    listener.on('connection', (near) => link.relay(near));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Breaks every connection and refuses new ones. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  /** Lets connections through again. */
  mend(): void {
    this.isCut = false;
  }

  /** Keeps back what the server sends, without slowing it. */
  hold(): void {
    this.held ??= [];
  }

  /** How many pieces of what the server has sent are kept back. */
  get kept(): number {
    return this.held?.length ?? 0;
  }

  /** Hands all that was kept back over at once. */
  release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const [near, data] of held) near.write(data);
  }

  async close(): Promise<void> {
    this.cut();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private late(act: () => unknown): void {
    if (DELAY_MS > 0) setTimeout(act, DELAY_MS);
    else act();
  }

  private relay(near: Socket): void {
    if (this.isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.target(), '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', (hadError) => {
        this.sockets.delete(socket);
        // An orderly end still lets through what is on its way.
        if (hadError) other.destroy();
        else other.end();
      });
    }
    near.pipe(far);
    far.on('data', (data) => {
      this.late(() => {
        if (this.held) this.held.push([near, data]);
        else if (near.writable && !near.write(data)) far.pause();
      });
    });
    near.on('drain', () => far.resume());
    far.on('end', () => this.late(() => near.end()));
  }
}
