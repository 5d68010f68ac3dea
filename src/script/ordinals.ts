import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { row } from '../core/mysql.ts';
import { comparePositions, fileNumber, formatPosition, type Position } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import { toTransaction, transactionColumns, type StoredTransaction } from '../store/log-reader.ts';
import type { SourceRecord } from '../store/registry.ts';
import type { Life } from './lives.ts';

type Fields = Record<string, string | number | null>;

/** From positions and times to the ordinals of transactions. */
export class OrdinalFinder {
  readonly #connection: Connection;
  readonly #ledger: Ledger;

  constructor(connection: Connection, ledger: Ledger) {
    this.#connection = connection;
    this.#ledger = ledger;
  }

  /** The first ordinal at or behind a position. @throws UndoError POSITION_INSIDE_TRANSACTION */
  async at(source: SourceRecord, life: Life, position: Position, strict = true): Promise<number> {
    const number = fileNumber(position.file);
    const before = await this.first(
      `t.source_id = ? AND t.incarnation_id = ? AND (t.start_number < ? OR (t.start_number = ? AND t.start_offset < ?))
       ORDER BY t.incarnation_id DESC, t.start_number DESC, t.start_offset DESC LIMIT 1`, [source.id, life.id, number, number, position.offset]);
    if (before && strict && comparePositions(before.end, position) > 0) {
      throw new UndoError('POSITION_INSIDE_TRANSACTION',
        `${formatPosition(position)} lies inside the transaction from ${formatPosition(before.start)} to ${formatPosition(before.end)}.`);
    }
    return before ? before.ordinal + 1 : life.firstOrdinal;
  }

  /** The first ordinal committed at that time or later. */
  async since(source: SourceRecord, micros: number, none: number): Promise<number> {
    const found = await this.first('t.source_id = ? AND t.commit_micros >= ? ORDER BY t.commit_micros, t.ordinal LIMIT 1', [source.id, micros]);
    return found?.ordinal ?? none;
  }

  /** The first transaction that a condition over `t` selects, with its order. */
  async first(where: string, parameters: readonly (string | number)[]): Promise<StoredTransaction | null> {
    const found = await row<Fields>(this.#connection, `SELECT ${transactionColumns('t')} FROM ${this.#ledger.table('transactions')} t WHERE ${where}`, parameters);
    return found ? toTransaction(found) : null;
  }
}
