import ZongJi from '@vlasky/zongji';
import type { ConnectionOptions } from 'mysql2';
import { UndoError } from '../core/errors.ts';
import type { DumpConnection } from './dump-session.ts';
import { PacketSocket } from './packet-socket.ts';

/*
 * The one file that touches zongji's and mysql2's internals. zongji connects, authenticates, speaks the dump commands and
 * MariaDB's capability; its parsing is bypassed, since its values are lossy for undo. The versions are pinned exactly, and
 * `install` checks the shape it relies on, so that an upgrade that moves something fails at start and in the tests.
 */

/** mysql2's packet: one object reused for every packet, over a shared buffer. */
interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
  isEOF(): boolean;
  isError(): boolean;
  asError(encoding?: string): Error;
}

type Handler = (packet: Packet, connection: DumpConnection) => Handler | null;

interface BinlogCommand {
  start: Handler;
  binlogData: Handler;
}

type BinlogCommandClass = new (callback: unknown) => BinlogCommand;

interface ZongJiInternals {
  BinlogClass: BinlogCommandClass;
  connection: DumpConnection | null;
}

export interface TapHandlers {
  /** Queues commands ahead of the dump. */
  ready(connection: DumpConnection): void;
  /** One event: `[start, end)` from the common header on. Valid only during the call. Must not throw. */
  event(buffer: Buffer, start: number, end: number): void;
  /** The server ended the stream (EOF packet). */
  eof(): void;
  /** An error packet, a lost connection or a failed login. May be called more than once. */
  error(error: Error): void;
}

export type DumpStart =
  | { readonly filename: string; readonly position: number }
  | { readonly gtidSet: string };

export interface TapOptions {
  readonly connection: ConnectionOptions;
  readonly serverId: number;
  readonly start: DumpStart;
  /** End with EOF at the end of the binlog instead of waiting for more. */
  readonly nonBlocking: boolean;
}

export class ZongjiTap {
  readonly #zongji: ZongJi;
  readonly #options: TapOptions;
  readonly #handlers: TapHandlers;
  readonly #sockets = new WeakMap<object, PacketSocket>();
  #closed = false;

  constructor(options: TapOptions, handlers: TapHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#zongji = new ZongJi(this.#reached(options.connection));
    this.#zongji.on('error', (error: Error) => {
      if (!this.#closed) handlers.error(error);
    });
    this.#zongji.on('ready', () => this.#install());
  }

  start(): void {
    this.#zongji.start({
      serverId: this.#options.serverId,
      nonBlock: this.#options.nonBlocking,
      requestAnnotateRows: true,
      ...this.#options.start,
    });
  }

  /** While paused no event is delivered and the server's sending blocks once the buffers are full. Exact: nothing is lost. */
  pause(): void {
    this.#internals.connection?.pause();
  }

  resume(): void {
    this.#internals.connection?.resume();
  }

  /** Ends both connections; the server's dump thread is killed so that it does not linger until its next write. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // mysql2's own destroy half-closes: a paused or unanswering socket would stay.
    const { connection } = this.#internals;
    await new Promise<void>((resolve) => {
      this.#zongji.once('stopped', () => resolve());
      this.#zongji.stop();
    });
    connection?.stream.destroy();
  }

  get #internals(): ZongJiInternals {
    return this.#zongji as unknown as ZongJiInternals;
  }

  #install(): void {
    const internals = this.#internals;
    const Base = internals.BinlogClass as BinlogCommandClass | undefined;
    const prototype = Base?.prototype as Partial<BinlogCommand> | undefined;
    if (!Base || typeof prototype?.start !== 'function' || typeof prototype.binlogData !== 'function' || !internals.connection) {
      this.#handlers.error(new UndoError('INTERNAL', 'The installed @vlasky/zongji is not the version this release was built for.'));
      return;
    }
    const deliver = (packet: Packet): boolean => this.#deliver(packet);
    const sockets = this.#sockets;
    internals.BinlogClass = class RawBinlog extends Base {
      override start = (packet: Packet, connection: DumpConnection): Handler => {
        super.start(packet, connection);
        // All that comes now is events, which nobody keeps.
        sockets.get(connection.stream)?.lend();
        return this.binlogData;
      };

      override binlogData = (packet: Packet): Handler | null => (deliver(packet) ? this.binlogData : null);
    };
    this.#handlers.ready(internals.connection);
  }

  /** Under TLS Node itself reads from the socket: then mysql2 opens it. */
  #reached(connection: ConnectionOptions): ConnectionOptions {
    const { host, port, ssl } = connection;
    if (ssl !== undefined || host === undefined || port === undefined) return connection;
    const stream = (): PacketSocket['socket'] => {
      const opened = new PacketSocket(host, port);
      this.#sockets.set(opened.socket, opened);
      return opened.socket;
    };
    return { ...connection, stream };
  }

  /** @returns false once the stream is over. */
  #deliver(packet: Packet): boolean {
    if (this.#closed) return true;
    if (packet.isEOF()) {
      this.#handlers.eof();
      return false;
    }
    if (packet.isError()) {
      this.#handlers.error(packet.asError());
      return false;
    }
    // One byte of OK marker, then the event.
    this.#handlers.event(packet.buffer, packet.offset + 1, packet.end);
    return true;
  }
}
