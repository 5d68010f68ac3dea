import type { Connection } from 'mysql2/promise';
import { classifyQuery } from '../binlog/sql/classify.ts';
import { columnRenames } from '../binlog/sql/column-renames.ts';
import { run } from '../core/mysql.ts';
import { undoDdl, type DdlVerdict } from '../rollback/ddl/undo-ddl.ts';
import type { Ledger } from '../store/ledger.ts';
import type { StoredOperation, StoredTransaction } from '../store/log-reader.ts';
import type { SourceRecord } from '../store/registry.ts';
import { ddlStates } from './ddl-states.ts';

/** Finds out what undoes DDL, and writes into the ledger what cannot be undone and why. */
export class DdlOperations {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #source: SourceRecord;

  constructor(connection: Connection, ledger: Ledger, source: SourceRecord) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#source = source;
  }

  /** @returns null while a definition that its undo is made of is still being found out. */
  async judge(transaction: StoredTransaction, operation: StoredOperation): Promise<DdlVerdict | null> {
    const { flavour } = this.#source;
    const { statement: bytes, session } = operation;
    if (bytes === null || session === null || bytes.length < operation.statementBytes) return { kind: 'refused', state: 'not-undoable', why: 'its text is not held as a whole' };
    const sql = bytes.toString('utf8');
    const query = classifyQuery(sql, { ...session, flavour });
    if (query.kind !== 'ddl') return { kind: 'refused', state: 'not-undoable', why: 'its text was not fully understood' };
    const { statement } = query;
    const states = await ddlStates(this.#connection, this.#ledger, this.#source.id, transaction, statement.tables);
    if (states === null) return null;
    const renames = statement.verb === 'ALTER' ? columnRenames(sql, { sqlMode: session.sqlMode, flavour }) : [];
    return undoDdl({ statement, renames, flavour, states }, operation);
  }

  /** In the transaction that moves the cursor. */
  async note({ ordinal, seq }: StoredOperation, verdict: DdlVerdict): Promise<void> {
    const state = verdict.kind === 'undo' ? 'captured' : verdict.kind === 'refused' ? verdict.state : verdict.kind;
    const remark = verdict.kind === 'undo' ? verdict.loss && `not brought back: ${verdict.loss}` : verdict.kind === 'refused' ? verdict.why : null;
    if (state === 'captured' && remark === null) return;
    await run(this.#connection, `UPDATE ${this.#ledger.table('operations')} SET state = ?, remark = ? WHERE source_id = ? AND ordinal = ? AND seq = ?`,
      [state, remark, this.#source.id, ordinal, seq]);
  }
}
