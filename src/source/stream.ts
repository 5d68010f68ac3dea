import { UndoError } from '../core/errors.ts';
import type { Position } from '../core/position.ts';
import { connectionOptions, hostPort, type ServerEndpoint } from '../core/mysql.ts';
import { BinlogDecoder } from '../binlog/decoder.ts';
import type { BinlogEvent, PayloadEvent } from '../binlog/events.ts';
import { prepareDumpSession, requireServer } from './dump-session.ts';
import { innerEvents } from './payload-reader.ts';
import type { ReplicaIdentity } from './replica-identity.ts';
import { streamError } from './stream-errors.ts';
import { ZongjiTap, type DumpStart } from './zongji-tap.ts';

export interface StreamOptions {
  readonly endpoint: ServerEndpoint;
  readonly flavour: 'mysql' | 'mariadb';
  readonly identity: ReplicaIdentity;
  readonly start: DumpStart;
  /** Of a GTID start: its first group lies here or behind. */
  readonly notBefore?: Position;
  /** The mark (`serverMarkSql`) of the server that the stream must come from; absent: any. */
  readonly server?: string;
  readonly heartbeatSeconds: number;
  /** Read to the end of the binlog and stop, instead of waiting for more. */
  readonly toEnd: boolean;
  /** One decoded event; may throw, which ends the stream with that error. */
  readonly onEvent: (event: BinlogEvent) => void;
}

/** Silence of this many heartbeat periods means a dead connection. */
const SILENT_PERIODS = 3;
/** So many times in a period it is looked whether anything has arrived. */
const WATCHES = 2;
/** Before its first event the server may search long for a GTID position without sending heartbeats (debezium dbz#2266). */
const FIRST_EVENT_SECONDS = 900;

/** A running binlog dump. It ends once: by `close`, at the end of the binlog, or with an error. */
export class BinlogStream {
  /** Settles when the stream is over: resolved by `close` or, reading to the end, at EOF; else rejected with an UndoError. */
  readonly ended: Promise<void>;
  readonly #options: StreamOptions;
  readonly #decoder: BinlogDecoder;
  readonly #tap: ZongjiTap;
  #finish!: (error: UndoError | null) => void;
  #over = false;
  #paused = false;
  #unpacking = false;
  #onResume: (() => void) | null = null;
  /** When something was known to have arrived, and whether more has since. */
  #lastByte = performance.now();
  #heard = false;
  #sawEvent = false;
  #watchdog: NodeJS.Timeout | null = null;

  constructor(options: StreamOptions) {
    this.#options = options;
    const { start, flavour } = options;
    this.#decoder = 'filename' in start
      ? new BinlogDecoder(flavour, start.filename, start.position)
      : new BinlogDecoder(flavour, '', 4, options.notBefore ?? null);
    this.ended = new Promise((resolve, reject) => {
      this.#finish = (error) => {
        if (this.#over) return;
        this.#over = true;
        this.#onResume?.();
        if (this.#watchdog) clearInterval(this.#watchdog);
        void this.#tap.close().then(() => {
          if (error) reject(error);
          else resolve();
        });
      };
    });
    // Whoever opened the stream awaits `ended` in time; a failure before that is not an unhandled one.
    this.ended.catch(() => undefined);
    this.#tap = new ZongjiTap(
      {
        connection: connectionOptions(options.endpoint), serverId: options.identity.serverId, start, nonBlocking: options.toEnd,
      },
      {
        ready: (connection) => {
          const failed = (error: Error): void => this.#fail(error);
          if (options.server !== undefined) requireServer(connection, flavour, options.server, failed);
          prepareDumpSession(connection, options.identity, options.heartbeatSeconds, failed);
        },
        event: (buffer, from, to) => this.#event(buffer, from, to),
        eof: () => this.#eof(),
        error: (error) => this.#fail(error),
      },
    );
    this.#tap.start();
    this.#watchdog = setInterval(() => this.#watch(), options.heartbeatSeconds * 1000 / WATCHES);
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    if (this.#paused || this.#over) return;
    this.#paused = true;
    if (!this.#unpacking) this.#tap.pause();
  }

  resume(): void {
    if (!this.#paused || this.#over) return;
    this.#paused = false;
    // What piled up in the kernel is still to be read: silence counts from here.
    this.#lastByte = performance.now();
    this.#onResume?.();
    this.#onResume = null;
    if (!this.#unpacking) this.#tap.resume();
  }

  close(): Promise<void> {
    this.#finish(null);
    return this.ended.catch(() => undefined);
  }

  #event(buffer: Buffer, from: number, to: number): void {
    if (this.#over) return;
    // The watchdog looks at the clock: not once for each event.
    this.#heard = this.#sawEvent = true;
    // Nothing may be thrown into mysql2's parser: it would report a broken connection instead of the cause.
    try {
      const event = this.#decoder.decode(buffer, from, to);
      if (event.kind === 'payload') void this.#unpack({ ...event, payload: Buffer.from(event.payload) });
      else this.#options.onEvent(event);
    } catch (error) {
      this.#broken(error);
    }
  }

  /** Delivers the events inside a payload while the socket rests, so that order and back-pressure hold. */
  async #unpack(payload: PayloadEvent): Promise<void> {
    this.#unpacking = true;
    this.#tap.pause();
    try {
      for await (const bytes of innerEvents(payload)) {
        if (this.#paused) await new Promise<void>((resolve) => (this.#onResume = resolve));
        if (this.#over) return;
        this.#options.onEvent(this.#decoder.decodeInner(payload.header, bytes, 0, bytes.length));
      }
      this.#unpacking = false;
      this.#lastByte = performance.now();
      if (!this.#paused) this.#tap.resume();
    } catch (error) {
      this.#broken(error);
    }
  }

  #broken(error: unknown): void {
    this.#finish(error instanceof UndoError ? error : new UndoError('INTERNAL', `Reading the binlog failed: ${String(error)}.`, { cause: error }));
  }

  #eof(): void {
    if (this.#options.toEnd) this.#finish(null);
    else this.#finish(new UndoError('STREAM_ENDED', `${hostPort(this.#options.endpoint)} ended the binlog stream.`));
  }

  #fail(error: Error): void {
    this.#finish(streamError(error, this.#options.endpoint));
  }

  #watch(): void {
    if (this.#heard) this.#lastByte = performance.now();
    this.#heard = false;
    if (this.#paused || this.#unpacking) return;
    const limit = this.#sawEvent ? this.#options.heartbeatSeconds * SILENT_PERIODS : FIRST_EVENT_SECONDS;
    const silent = (performance.now() - this.#lastByte) / 1000;
    if (silent > limit) {
      this.#finish(new UndoError('STREAM_SILENT', `Nothing arrived from ${hostPort(this.#options.endpoint)} for ${Math.round(silent)} s.`));
    }
  }
}
