import type { Connection } from 'mysql2/promise';
import { readLoggedDdl } from '../rollback/ddl/read-ddl.ts';
import { undoDdl, type DdlVerdict } from '../rollback/ddl/undo-ddl.ts';
import { ddlStates, tablesAsked } from '../store/ddl-states.ts';
import { objectsAsked, objectStates } from '../store/object-states.ts';
import type { Ledger } from '../store/ledger.ts';
import type { StoredOperation, StoredTransaction } from '../store/log-reader.ts';
import type { SourceRecord } from '../store/registry.ts';
import type { OperationStates } from './operation-states.ts';

/** Finds out what undoes DDL, and writes into the ledger what cannot be undone and why. */
export class DdlOperations {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #source: SourceRecord;
  readonly #states: OperationStates;

  /** @param connection for what is read of the log. */
  constructor(connection: Connection, ledger: Ledger, source: SourceRecord, states: OperationStates) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#source = source;
    this.#states = states;
  }

  /** @returns null while a definition that its undo is made of is still being found out. */
  async judge(transaction: StoredTransaction, operation: StoredOperation): Promise<DdlVerdict | null> {
    const { flavour } = this.#source;
    const read = readLoggedDdl(operation, flavour);
    if ('unread' in read) return { kind: 'refused', state: 'not-undoable', why: read.unread };
    const states = await ddlStates(this.#connection, this.#ledger, this.#source, transaction, tablesAsked(read.statement, operation));
    if (states === null) return null;
    const objects = await objectStates(this.#connection, this.#ledger, this.#source.id, transaction, [operation.schema], objectsAsked(read.statement, operation));
    return undoDdl({ ...read, flavour, states, objects }, operation);
  }

  /** In the transaction that moves the cursor. */
  async note(operation: StoredOperation, verdict: DdlVerdict): Promise<void> {
    const state = verdict.kind === 'undo' ? 'captured' : verdict.kind === 'refused' ? verdict.state : verdict.kind;
    const remark = verdict.kind === 'undo' ? remarkOf(verdict) : verdict.kind === 'refused' ? verdict.why : null;
    if (state === 'captured' && remark === null) return;
    await this.#states.remark(operation, state, remark);
  }
}

function remarkOf({ loss, statements }: Extract<DdlVerdict, { readonly kind: 'undo' }>): string | null {
  // The server keeps the session with what is made in it, and no such statement can bring its own.
  const session = statements.find((statement) => statement.session !== null)?.session;
  const made = session && `to be run in a session like that of then: sql_mode=${session.sqlMode ?? 'any'}, collation_connection=${session.connection}${session.timeZone === null ? '' : `, time_zone='${session.timeZone}'`}`;
  return [loss && `not brought back: ${loss}`, made].filter((part) => part !== null && part !== undefined).join('; ') || null;
}
