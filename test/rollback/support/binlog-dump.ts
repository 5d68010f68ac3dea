import { EventEmitter } from 'node:events';
import type { SharedServer } from '../../support/servers.ts';
import { connect } from '../../support/servers.ts';

const COM_BINLOG_DUMP = 0x12;
const NON_BLOCK = 1;
const MAGIC = Buffer.from([0xfe, 0x62, 0x69, 0x6e]);

/** The part of mysql2's packets and commands that a raw dump needs; the types of mysql2 leave it out. */
interface DumpPacket {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
  isEOF(): boolean;
  isError(): boolean;
  asError(encoding: string): Error;
}
interface CommandConnection {
  _resetSequenceId(): void;
  writePacket(packet: { buffer: Buffer; length(): number; writeHeader(sequence: number): void }): void;
  addCommand(command: DumpCommand): void;
  on(event: 'error', listener: (error: Error) => void): void;
}

/** Sends one COM_BINLOG_DUMP and gathers what comes until the end of the file. */
class DumpCommand extends EventEmitter {
  readonly #filename: string;
  readonly #done: (result: Buffer | Error) => void;
  readonly #events: Buffer[] = [MAGIC];

  constructor(filename: string, done: (result: Buffer | Error) => void) {
    super();
    this.#filename = filename;
    this.#done = done;
  }

  /** Called by mysql2, first without a packet; true ends the command. */
  execute(packet: DumpPacket | undefined, connection: CommandConnection): boolean {
    if (packet === undefined) {
      connection._resetSequenceId();
      const buffer = dumpRequest(this.#filename);
      const writeHeader = (sequence: number): void => {
        buffer.writeUIntLE(buffer.length - 4, 0, 3);
        buffer[3] = sequence;
      };
      connection.writePacket({ buffer, length: () => buffer.length, writeHeader });
      return false;
    }
    if (packet.isError()) this.#done(packet.asError('utf8'));
    else if (packet.isEOF()) this.#done(Buffer.concat(this.#events));
    else {
      // The first byte is the OK marker; the packet's buffer is reused.
      this.#events.push(Buffer.from(packet.buffer.subarray(packet.offset + 1, packet.end)));
      return false;
    }
    return true;
  }
}

/** COM_BINLOG_DUMP, behind room for the packet header. mysql2's own does not encode the file name. */
function dumpRequest(filename: string): Buffer {
  const fixed = Buffer.alloc(15);
  fixed[4] = COM_BINLOG_DUMP;
  fixed.writeUInt32LE(4, 5);
  fixed.writeUInt16LE(NON_BLOCK, 9);
  fixed.writeUInt32LE(0x7000_0000 + Math.floor(Math.random() * 0xfff_ffff), 11);
  return Buffer.concat([fixed, Buffer.from(filename)]);
}

/** From the start of a file to the server's present end, later files included, as the server sends it, the magic put before it. */
export async function dumpBinlog(server: SharedServer, filename: string): Promise<Buffer> {
  const connection = await connect(server);
  await connection.query('SET @master_binlog_checksum = @@global.binlog_checksum');
  if (server.flavour === 'mariadb') await connection.query('SET @mariadb_slave_capability = 4');
  else await connection.query('SET @source_binlog_checksum = @@global.binlog_checksum');
  const core = (connection as unknown as { connection: CommandConnection }).connection;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      core.on('error', reject);
      core.addCommand(new DumpCommand(filename, (result) => (result instanceof Error ? reject(result) : resolve(result))));
    });
  } finally {
    connection.destroy();
  }
}
