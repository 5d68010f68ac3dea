import type { Connection } from 'mysql2/promise';
import { rows, scalar, serverErrorNumber } from '../../core/mysql.ts';
import { comparePositions, type Position } from '../../core/position.ts';
import { currentBinlogPosition, type ServerCapabilities } from '../../core/server.ts';
import { xidText } from '../../binlog/xa.ts';
import type { PreparedTransaction } from '../../store/batch.ts';
import type { Ledger } from '../../store/ledger.ts';

/**
 * XA transactions that the log has as prepared, and whose end lies in a stretch that it has lost or passed over: nothing that follows would
 * ever end them, and their rows would stay for good. The source does not know them any more, and all that it had logged by then has been read.
 */
export class LostEnds {
  readonly #candidates: readonly PreparedTransaction[];
  readonly #by: Position;

  private constructor(candidates: readonly PreparedTransaction[], by: Position) {
    this.#candidates = candidates;
    this.#by = by;
  }

  /** @returns null when there are none, or when this account may not ask (MySQL: XA_RECOVER_ADMIN). */
  static async look(
    control: Connection, capabilities: ServerCapabilities, log: { readonly side: Connection; readonly ledger: Ledger; readonly sourceId: number }, waiting: readonly PreparedTransaction[],
  ): Promise<LostEnds | null> {
    // Where the log is whole each end is in it, or is still to come.
    if (waiting.length === 0 || !await hasLostStretch(log)) return null;
    const known = await preparedOnSource(control, capabilities);
    if (known === null) return null;
    const gone = waiting.filter(({ xid }) => !known.has(xid));
    // After the question: what was not prepared then has ended before this position.
    return gone.length === 0 ? null : new LostEnds(gone, await currentBinlogPosition(control, capabilities));
  }

  /** Those that nothing will end any more, once the log reaches `durable`. */
  at(durable: Position): readonly PreparedTransaction[] {
    return comparePositions(durable, this.#by) >= 0 ? this.#candidates : [];
  }
}

async function hasLostStretch({ side, ledger, sourceId }: { readonly side: Connection; readonly ledger: Ledger; readonly sourceId: number }): Promise<boolean> {
  return Number(await scalar<string>(side,
    `SELECT EXISTS(SELECT 1 FROM ${ledger.table('gaps')} WHERE source_id = ? AND reason IN ('operator-skip', 'purged', 'incarnation', 'incident'))`, [sourceId])) === 1;
}

interface RecoveredRow { readonly formatID: string | number; readonly gtrid_length: string | number; readonly data: string }

async function preparedOnSource(control: Connection, { statements }: ServerCapabilities): Promise<ReadonlySet<string> | null> {
  try {
    const found = await rows<RecoveredRow>(control, statements.preparedXa);
    return new Set(found.map(recoveredXid));
  } catch (error) {
    if (serverErrorNumber(error) === null) throw error;
    return null;
  }
}

/** MySQL prints both parts as one hexadecimal number, MariaDB as they stand in SQL, without those that are what they are by default. */
function recoveredXid({ formatID, gtrid_length: length, data }: RecoveredRow): string {
  const parts = [...data.matchAll(/(X?)'([^']*)'/g)].map(([, hex, text]) => Buffer.from(text ?? '', hex === 'X' ? 'hex' : 'latin1'));
  const bytes = data.startsWith('0x') ? Buffer.from(data.slice(2), 'hex') : Buffer.concat(parts);
  return xidText(bytes.subarray(0, Number(length)), bytes.subarray(Number(length)), Number(formatID));
}
