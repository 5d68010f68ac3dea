import type { Ledger } from '../store/ledger.ts';
import type { StoredOperation, StoredTransaction } from '../store/log-reader.ts';
import type { SourceRecord } from '../store/registry.ts';
import type { Lanes } from './lanes.ts';

/** Writes into the ledger what the projection finds out about operations, in the transaction that moves the cursor. */
export class OperationStates {
  readonly #lanes: Lanes;
  readonly #ledger: Ledger;
  readonly #source: SourceRecord;

  constructor(lanes: Lanes, ledger: Ledger, source: SourceRecord) {
    this.#lanes = lanes;
    this.#ledger = ledger;
    this.#source = source;
  }

  set({ ordinal, seq }: StoredOperation, state: string): Promise<void> {
    return this.#lanes.write(`UPDATE ${this.#ledger.table('operations')} SET state = ? WHERE source_id = ? AND ordinal = ? AND seq = ?`,
      [state, this.#source.id, ordinal, seq]);
  }

  remark({ ordinal, seq }: StoredOperation, state: string, remark: string | null): Promise<void> {
    return this.#lanes.write(`UPDATE ${this.#ledger.table('operations')} SET state = ?, remark = ? WHERE source_id = ? AND ordinal = ? AND seq = ?`,
      [state, remark, this.#source.id, ordinal, seq]);
  }

  /** Marks an operation whose rows cannot be rendered and notes the gap, instead of leaving it out silently. */
  async refuse(transaction: StoredTransaction, operation: StoredOperation, state: string, why: string): Promise<void> {
    await this.set(operation, state);
    // How far a sequence has counted is nothing that an undo would take back: nothing is missing.
    if (state === 'sequence') return;
    await this.#lanes.write(
      `INSERT INTO ${this.#ledger.table('gaps')} (source_id, incarnation_id, reason, schema_name, table_name, from_file, from_offset, to_file, to_offset,
        ordinal, from_micros, to_micros, detail, noted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))`,
      [this.#source.id, transaction.incarnationId, state, operation.schema, operation.table, transaction.start.file, transaction.start.offset,
        transaction.end.file, transaction.end.offset, transaction.ordinal, transaction.commitMicros, transaction.commitMicros, why]);
  }
}
