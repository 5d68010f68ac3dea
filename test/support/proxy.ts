import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

/** What the proxy does with bytes, from server to client. Connections made meanwhile are treated alike. */
export type Fault =
  | { readonly kind: 'none' }
  /** Each chunk waits. */
  | { readonly kind: 'latency'; readonly milliseconds: number }
  /** At most so many bytes each 50 ms. */
  | { readonly kind: 'drip'; readonly bytes: number }
  /** Nothing passes in either direction, and nobody is told: no FIN, no RST. New connections are accepted and hang. */
  | { readonly kind: 'blackHole' }
  /** A connection ends with RST when its client asks for the binlog. */
  | { readonly kind: 'noDump' };

interface Pair { readonly client: Socket; readonly server: Socket | null }

const DRIP_MS = 50;
/** COM_BINLOG_DUMP and COM_BINLOG_DUMP_GTID; one packet, which comes whole. */
const DUMPS: readonly (number | undefined)[] = [0x12, 0x1e];
const COMMAND = 4;

/** A TCP proxy on 127.0.0.1 whose target and faults can be changed while connections pass through it. */
export class FaultProxy implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly user: string;
  readonly password: string;
  #target: { host: string; port: number };
  #fault: Fault = { kind: 'none' };
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  #accepted = 0;

  private constructor(target: { host: string; port: number; user: string; password: string }, listener: Server) {
    this.#target = target;
    this.user = target.user;
    this.password = target.password;
    this.#listener = listener;
  }

  static async open(target: { host: string; port: number; user: string; password: string }): Promise<FaultProxy> {
    const listener = createServer({ allowHalfOpen: true });
    const proxy = new FaultProxy(target, listener);
    listener.on('connection', (client) => proxy.#accept(client));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#listener.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  set fault(fault: Fault) {
    this.#fault = fault;
  }

  /** New connections go there; those that are open stay. */
  set target(target: { host: string; port: number }) {
    this.#target = target;
  }

  /** Ends every connection with RST on both sides. */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server?.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /** Half-open connections: the servers are gone without a word to the client. */
  abandon(): void {
    for (const { server } of this.#pairs) server?.destroy();
  }

  #accept(client: Socket): void {
    this.#accepted++;
    client.on('error', () => undefined);
    if (this.#fault.kind === 'blackHole') {
      this.#pairs.add({ client, server: null });
      return;
    }
    const server = connect({ host: this.#target.host, port: this.#target.port, allowHalfOpen: true });
    const pair: Pair = { client, server };
    this.#pairs.add(pair);
    server.on('error', () => {
      if (this.#fault.kind !== 'blackHole') client.resetAndDestroy();
    });
    void this.#pass(client, server, false);
    void this.#pass(server, client, true);
    client.on('close', () => {
      this.#pairs.delete(pair);
      server.destroy();
    });
  }

  async #pass(from: Socket, to: Socket, toClient: boolean): Promise<void> {
    try {
      // Left to itself the loop destroys the socket behind its last chunk, which resets the other side before that has read all.
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (!toClient && this.#fault.kind === 'noDump' && DUMPS.includes(chunk[COMMAND])) {
          from.resetAndDestroy();
          break;
        }
        await this.#delay(toClient, chunk, to);
      }
      // An end that a black hole swallows is never heard of.
      if (this.#fault.kind !== 'blackHole' && !from.destroyed) to.end();
    } catch {
      if (this.#fault.kind !== 'blackHole') to.destroy();
    }
  }

  async #delay(toClient: boolean, chunk: Buffer, to: Socket): Promise<void> {
    while (this.#fault.kind === 'blackHole') await pause(DRIP_MS);
    let rest = chunk;
    while (rest.length > 0) {
      const fault = this.#fault;
      if (toClient && fault.kind === 'latency') await pause(fault.milliseconds);
      if (toClient && fault.kind === 'drip') await pause(DRIP_MS);
      const size = toClient && fault.kind === 'drip' ? Math.min(fault.bytes, rest.length) : rest.length;
      if (!to.write(rest.subarray(0, size))) await once(to, 'drain').catch(() => undefined);
      rest = rest.subarray(size);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fault = { kind: 'none' };
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server?.destroy();
    }
    this.#listener.close();
    await once(this.#listener, 'close').catch(() => undefined);
  }
}
