import { EventEmitter } from 'node:events';
import { UndoError } from '../core/errors.ts';
import type { ReplicaIdentity } from './replica-identity.ts';

const COM_REGISTER_SLAVE = 0x15;

/** What this file needs of a mysql2 connection, its internals included; see `zongji-tap.ts` for why they are safe to use. */
export interface DumpConnection {
  readonly config: { readonly user?: string };
  readonly stream: { destroy(): void };
  query(sql: string, done: (error: Error | null, rows?: readonly Readonly<Record<string, unknown>>[]) => void): void;
  addCommand(command: unknown): void;
  writePacket(packet: unknown): void;
  _resetSequenceId(): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

interface ServerPacket {
  isError(): boolean;
  asError(encoding?: string): Error;
}

/** A client packet in the form that mysql2's `writePacket` takes: four bytes of header, then the payload. */
class ClientPacket {
  readonly buffer: Buffer;

  constructor(payload: Buffer) {
    this.buffer = Buffer.concat([Buffer.alloc(4), payload]);
  }

  length(): number {
    return this.buffer.length;
  }

  writeHeader(sequenceId: number): void {
    this.buffer.writeUIntLE(this.buffer.length - 4, 0, 3);
    this.buffer.writeUInt8(sequenceId, 3);
  }
}

/**
 * COM_REGISTER_SLAVE (MySQL protocol; MariaDB the same): makes SHOW REPLICAS list us. zongji does not send it.
 * Layout: server id (4), host, user, password (each length byte and text), port (2), rank (4), source id (4).
 */
class RegisterReplica extends EventEmitter {
  readonly #identity: ReplicaIdentity;
  readonly #done: (error: Error | null) => void;
  #sent = false;

  constructor(identity: ReplicaIdentity, done: (error: Error | null) => void) {
    super();
    this.#identity = identity;
    this.#done = done;
  }

  /** mysql2 calls this once to send and once for each packet of the answer; true ends the command. */
  execute(packet: ServerPacket | undefined, connection: DumpConnection): boolean {
    if (!this.#sent) {
      this.#sent = true;
      connection._resetSequenceId();
      connection.writePacket(new ClientPacket(this.#payload()));
      return false;
    }
    this.#done(packet?.isError() === true ? packet.asError() : null);
    this.emit('end');
    return true;
  }

  #payload(): Buffer {
    const name = Buffer.from(this.#identity.name, 'utf8');
    const payload = Buffer.alloc(1 + 4 + 1 + name.length + 1 + 1 + 2 + 4 + 4);
    let at = payload.writeUInt8(COM_REGISTER_SLAVE, 0);
    at = payload.writeUInt32LE(this.#identity.serverId, at);
    at = payload.writeUInt8(name.length, at);
    name.copy(payload, at);
    return payload;
  }
}

/** What tells one server from another, as SQL for the flavour. MariaDB has no uuid. */
export function serverMarkSql(flavour: 'mysql' | 'mariadb'): string {
  return `SELECT ${flavour === 'mysql' ? '@@server_uuid' : "CONCAT_WS(' ', @@server_id, @@hostname, @@port, @@datadir)"} AS mark`;
}

/**
 * Queues, ahead of the dump command, the proof that a proxy has not led this connection to another server than the one asked
 * about everything else: the answer arrives before the first event does.
 */
export function requireServer(connection: DumpConnection, flavour: 'mysql' | 'mariadb', expected: string, failed: (error: Error) => void): void {
  connection.query(serverMarkSql(flavour), (error, rows) => {
    const found = String(rows?.[0]?.mark);
    if (error) failed(error);
    else if (found !== expected) {
      failed(new UndoError('SOURCE_NOT_READY', `The binlog connection reached the server ${found}, the other connection ${expected}.`, {
        fix: 'Name the source itself, or let the proxy send all connections of this account to one server.',
      }));
    }
  });
}

/**
 * Queues, ahead of the dump command, what a replica says about itself.
 * `@master_*` and `@source_*` are both set: MySQL reads either, MariaDB only the first.
 * @param heartbeatSeconds the server sends a heartbeat when it has had nothing else to send for so long.
 */
export function prepareDumpSession(
  connection: DumpConnection, identity: ReplicaIdentity, heartbeatSeconds: number, failed: (error: Error) => void,
): void {
  const done = (error: Error | null): void => {
    if (error) failed(error);
  };
  const nanoseconds = Math.round(heartbeatSeconds * 1e9);
  const settings = [
    // Understood always: files written with and without checksums both arrive as they are, whatever the global setting is now.
    "@master_binlog_checksum='CRC32'", "@source_binlog_checksum='CRC32'",
    `@master_heartbeat_period=${nanoseconds}`, `@source_heartbeat_period=${nanoseconds}`,
    `@slave_uuid='${identity.uuid}'`, `@replica_uuid='${identity.uuid}'`,
    // While our socket is paused the server must wait, not hang up.
    'SESSION net_write_timeout=3600',
  ];
  connection.query(`SET ${settings.join(', ')}`, done);
  connection.addCommand(new RegisterReplica(identity, done));
}
