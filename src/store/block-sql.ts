import type { Connection } from 'mysql2/promise';
import { scalar } from '../core/mysql.ts';
import type { SealedBlock } from './batch.ts';
import type { PackedBlock } from './block-codec.ts';
import type { LogScope } from './log-sql.ts';

/** Bytes of one part of a block: well inside the smallest max_allowed_packet that `check` accepts. */
const PART_BYTES = 2 * 1024 * 1024;
/** Below this, two statements more cost what they save. */
const WORTH_BYTES = 128 * 1024;

/** @throws what the server said, among it that the block is there already. */
export async function insertBlock(connection: Connection, scope: Pick<LogScope, 'ledger' | 'sourceId'>, block: number, packed: PackedBlock): Promise<void> {
  const { codec, rawBytes, data } = packed;
  const sql = `INSERT INTO ${scope.ledger.table('blocks')} (source_id, block, part, codec, raw_bytes, data) VALUES (?, ?, ?, ?, ?, ?)`;
  for (let part = 0, at = 0; part === 0 || at < data.length; part++, at += PART_BYTES) {
    await connection.execute(sql, [scope.sourceId, block, part, codec, rawBytes, data.subarray(at, at + PART_BYTES)]);
  }
}

/**
 * Writes the blocks of batches, in whichever way costs this server least.
 *
 * A server with a binlog writes each prepared statement out with its values, for its logs, also where the log holds rows only
 * (MySQL's Prepared_statement::insert_parameters). It escapes them byte by byte in the client's character set, which for blocks was two thirds
 * of all that MySQL 9.7 did. Where a backslash can be a part of a character, as in GBK, it writes hexadecimal digits instead:
 * 146 MB take 1.6 CPU seconds instead of 4.2 (docs/benchmarks.md).
 */
export class BlockWriter {
  readonly #connection: Connection;
  readonly #scope: LogScope;
  #digits: boolean | null = null;

  constructor(connection: Connection, scope: LogScope) {
    this.#connection = connection;
    this.#scope = scope;
  }

  /** After a failure the connection must not be used any more. */
  async write(blocks: readonly SealedBlock[]): Promise<void> {
    const bytes = blocks.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
    const digits = bytes >= WORTH_BYTES && (this.#digits ??= await this.#knowsDigits());
    // What is sent meanwhile is ASCII, or bound as binary.
    if (digits) await this.#connection.query('SET character_set_client = gbk');
    for (const { block, packed } of blocks) await insertBlock(this.#connection, this.#scope, block, await packed);
    if (digits) await this.#connection.query('SET character_set_client = utf8mb4');
  }

  async #knowsDigits(): Promise<boolean> {
    // The ledger's name is a part of the statement.
    if (!/^[\x20-\x7e]*$/.test(this.#scope.ledger.name)) return false;
    const found = await scalar<string>(this.#connection, "SELECT COUNT(*) FROM information_schema.character_sets WHERE character_set_name = 'gbk' AND @@global.log_bin");
    return Number(found) > 0;
  }
}
