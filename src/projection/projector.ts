import type { Connection } from 'mysql2/promise';
import { parseRowsEvent } from '../binlog/rows-event.ts';
import { UndoError } from '../core/errors.ts';
import { grouped } from '../core/grouped.ts';
import type { UndoWriter } from '../rollback/index.ts';
import { charsetByCollation } from '../rollback/charsets.ts';
import { moveCursor, takeCursor, type Cursor } from '../store/cursor.ts';
import {
  BlockReader, readDdlOperations, readOperations, readOperationsBetween, readTransactions, type StoredOperation, type StoredTransaction,
} from '../store/log-reader.ts';
import type { RowsRecord } from '../store/block-format.ts';
import type { Ledger } from '../store/ledger.ts';
import type { SourceRecord } from '../store/registry.ts';
import { nextInLog } from '../store/retention-cut.ts';
import { SCHEMA_TABLE } from '../core/undo-tables.ts';
import type { DdlVerdict } from '../rollback/ddl/undo-ddl.ts';
import type { BackupTables } from './backup-tables.ts';
import { DdlOperations } from './ddl-operations.ts';
import { Delivery } from './delivery.ts';
import { InformationRows } from './information-rows.ts';
import { Lanes } from './lanes.ts';
import { OperationStates } from './operation-states.ts';
import { SpareBuffers } from './spare-buffers.ts';
import { ofTransaction, type TransactionBlock } from './transaction-block.ts';
import type { RowWriters, WriterVerdict } from './row-writers.ts';

export const PROJECTION = 'projection';

export interface ProjectorOptions {
  /** Owned by the projection, which writes on them in turn: READ COMMITTED. */
  readonly connections: readonly [Connection, Connection];
  /** For what is read of the log while rows are being written; others may use it too. */
  readonly side: Connection;
  readonly ledger: Ledger;
  readonly source: SourceRecord;
  readonly epoch: number;
  readonly tables: BackupTables;
  readonly writers: RowWriters;
  /** Shown in the information table. */
  readonly host: string;
  readonly textLimit: number;
  /** Most rollback statements of an operation in one row of a backup table. */
  readonly pack: number;
  /** Writes the undo of DDL too. */
  readonly ddl: boolean;
}

/** Transactions read at a time. */
const TRANSACTIONS = 200;
/** Row images and statements whose undo is written in one backup transaction, about. */
export const GROUP_BYTES = 16 * 1024 * 1024;
/** An operation with its information row, beside its text. */
const OPERATION_BYTES = 512;
/** A transaction with more operations than this reads them block by block. */
const MANY_OPERATIONS = 2000;

/**
 * Writes goInception's tables from the log, in commit order, exactly once: rows, information rows and the cursor move in
 * one backup transaction. A transaction of several blocks is delivered block by block from its end, the cursor resting
 * between two of them; an operation's information row comes with the last of its rows: before that readers do not see it.
 */
export class Projector {
  readonly #options: ProjectorOptions;
  readonly #blocks: BlockReader;
  readonly #delivery: Delivery;
  readonly #ddl: DdlOperations;
  readonly #information: InformationRows;
  readonly #states: OperationStates;
  readonly #lanes: Lanes;
  /** Where the last group ended, which may not be committed yet. */
  #cursor: Cursor | null = null;
  /** Delivered since then. */
  #weight = 0;
  /** The last block that the transactions at hand lie in. */
  #lastBlock = 0;

  constructor(options: ProjectorOptions) {
    this.#options = options;
    this.#blocks = new BlockReader(options.side, options.ledger, options.source.id);
    const spares = new SpareBuffers();
    this.#lanes = new Lanes(options.connections, spares);
    this.#states = new OperationStates(this.#lanes, options.ledger, options.source);
    this.#delivery = new Delivery(this.#lanes, spares, options.pack);
    this.#ddl = new DdlOperations(options.side, options.ledger, options.source, this.#states);
    this.#information = new InformationRows(this.#lanes, options.host, options.source.labelPort, options.textLimit);
  }

  /**
   * Delivers what is durable before `upTo`.
   * @returns false when it stopped early because a table's definition is not known yet.
   */
  async catchUp(upTo: number, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#catchUp(upTo, signal);
    } finally {
      // No COMMIT is on its way when this returns. One that has failed did so before whatever failed here.
      await this.#lanes.settled();
    }
  }

  async #catchUp(upTo: number, signal: AbortSignal): Promise<boolean> {
    const { connections, side, ledger, source, epoch, writers } = this.#options;
    let cursor = (this.#cursor ??= await takeCursor(connections[0], ledger, source.id, PROJECTION, epoch));
    writers.forget();
    const stopped = (): boolean => signal.aborted;
    while (cursor.ordinal < upTo && !stopped()) {
      const transactions = await this.#nextTransactions(cursor.ordinal, upTo);
      // Retention has removed what lay here before this consumer began.
      if (transactions.length === 0) cursor = { ordinal: Math.min(upTo, await nextInLog(side, ledger, source.id, cursor.ordinal, upTo)), block: null };
      const operations = await this.#operationsOf(transactions);
      this.#lastBlock = transactions.findLast(({ lastBlock }) => lastBlock !== null)?.lastBlock ?? 0;
      for (const transaction of transactions) {
        cursor = await this.#deliver(transaction, operations.get(transaction.ordinal) ?? null, cursor, signal);
        if (stopped()) break;
        if (cursor.ordinal <= transaction.ordinal) {
          await this.#endGroup(cursor);
          return false;
        }
        if (this.#weight >= GROUP_BYTES) await this.#endGroup(cursor);
      }
    }
    await this.#endGroup(cursor);
    return true;
  }

  /** The next few transactions; one with very many operations only by itself. */
  async #nextTransactions(from: number, upTo: number): Promise<StoredTransaction[]> {
    const { side, ledger, source } = this.#options;
    const found = await readTransactions(side, ledger, source.id, from, Math.min(from + TRANSACTIONS, upTo));
    const large = found.findIndex((transaction) => transaction.operationCount > MANY_OPERATIONS);
    return large < 0 ? found : found.slice(0, Math.max(1, large));
  }

  async #operationsOf(transactions: readonly StoredTransaction[]): Promise<Map<number, StoredOperation[]>> {
    const [first] = transactions;
    const last = transactions.at(-1);
    if (!first || !last || first.operationCount > MANY_OPERATIONS) return new Map();
    const { side, ledger, source } = this.#options;
    return grouped(await readOperations(side, ledger, source.id, first.ordinal, last.ordinal + 1), ({ ordinal }) => ordinal);
  }

  /** @param loaded its operations, or null to read them block by block. @returns where the projection stands afterwards. */
  async #deliver(transaction: StoredTransaction, loaded: readonly StoredOperation[] | null, from: Cursor, signal: AbortSignal): Promise<Cursor> {
    const { firstBlock, lastBlock, ordinal } = transaction;
    const resume = from.ordinal === ordinal ? from.block : null;
    const ddl = await this.#judgeDdl(transaction, loaded);
    if (ddl === null) return { ordinal, block: resume };
    const progress: Progress = { begun: new Map(), refused: new Set() };
    if (firstBlock !== null && lastBlock !== null) {
      for (let block = resume ?? lastBlock; block >= firstBlock; block--) {
        const following = block > firstBlock ? block - 1 : lastBlock + 1;
        const rows = ofTransaction(await this.#blocks.read(block, following <= this.#lastBlock ? following : null), transaction.tag);
        const verdicts = await this.#options.writers.findAll(transaction, rows);
        const here: Cursor = { ordinal, block: block === lastBlock ? null : block };
        if (verdicts === null) return here;
        await this.#deliverBlock(transaction, rows, verdicts, await this.#operationsIn(transaction, rows, loaded), progress);
        if (block === firstBlock) break;
        // One block of a large transaction is done: neither memory nor the backup transaction may grow with it.
        if (this.#weight >= GROUP_BYTES) await this.#endGroup({ ordinal, block: block - 1 });
        if (signal.aborted) return { ordinal, block: block - 1 };
      }
    }
    await this.#describe(transaction, progress.begun);
    await this.#deliverDdl(transaction, ddl);
    return { ordinal: ordinal + 1, block: null };
  }

  /** Null while what the undo of its DDL is made of is not known yet, but will be. */
  async #judgeDdl(transaction: StoredTransaction, loaded: readonly StoredOperation[] | null): Promise<JudgedDdl[] | null> {
    const judged: JudgedDdl[] = [];
    if (!this.#options.ddl) return judged;
    const { side, ledger, source } = this.#options;
    const operations = loaded ?? await readDdlOperations(side, ledger, source.id, transaction.ordinal);
    for (const operation of operations.toReversed()) {
      if (!operation.ddl) continue;
      const verdict = await this.#ddl.judge(transaction, operation);
      if (verdict === null) return null;
      judged.push({ operation, verdict });
    }
    return judged;
  }

  async #deliverDdl(transaction: StoredTransaction, judged: readonly JudgedDdl[]): Promise<void> {
    for (const { operation, verdict } of judged) {
      await this.#ddl.note(operation, verdict);
      // Whether or not it can be undone, readers see that it happened; but one statement once.
      if (verdict.kind === 'no-effect' || verdict.kind === 'elsewhere') continue;
      const table = operation.table === '' ? SCHEMA_TABLE : operation.table;
      const database = await this.#options.tables.table(operation.schema, table);
      for (const { sql } of verdict.kind === 'undo' ? verdict.statements : []) await this.#delivery.addStatement(database.name, table, operation.opid, sql);
      this.#information.add(database, transaction, operation, charsetOf(operation));
    }
  }

  async #operationsIn(transaction: StoredTransaction, rows: TransactionBlock, loaded: readonly StoredOperation[] | null): Promise<Map<number, StoredOperation>> {
    const { side, ledger, source } = this.#options;
    // What a block before has changed of them and is not committed, `refused` knows.
    const operations = loaded ?? await readOperationsBetween(side, ledger, source.id, transaction.ordinal, rows.firstOperation, rows.lastOperation);
    return new Map(operations.map((operation) => [operation.seq, operation]));
  }

  async #deliverBlock(
    transaction: StoredTransaction, rows: TransactionBlock, verdicts: Awaited<ReturnType<RowWriters['findAll']>> & object,
    operations: ReadonlyMap<number, StoredOperation>, { begun, refused }: Progress,
  ): Promise<void> {
    for (const record of rows.newestFirst) {
      // Going backwards, the end of a statement means that all operations after it are complete.
      if (rows.endsStatement(record)) await this.#describe(transaction, begun);
      const operation = operations.get(record.operation);
      this.#weight += record.end - record.start;
      // Without an operation it was rolled back; with another state it was refused, and is in a gap.
      if (!operation || !isOpen(operation) || refused.has(operation.seq)) continue;
      const found = verdicts.get(record.tableMap)!;
      const refusal = found.kind === 'refused' ? found : await this.#deliverRows(operation, found.writer, rows.bytes, record);
      if (refusal) {
        refused.add(operation.seq);
        begun.delete(operation.seq);
        await this.#states.refuse(transaction, operation, refusal.state, refusal.why);
      } else begun.set(operation.seq, operation);
    }
  }

  /** @returns why the operation is not undone: then nothing of it is left in its backup table. */
  async #deliverRows(operation: StoredOperation, writer: UndoWriter, bytes: Buffer, record: RowsRecord): Promise<Refusal | null> {
    const database = await this.#options.tables.table(operation.schema, operation.table);
    const refusal = judge(operation, writer, bytes, record) ?? await this.#written(database.name, operation, writer, bytes, record);
    // Rows that lie behind these in the binlog came first.
    if (refusal) await this.#delivery.takeBack(database.name, operation);
    return refusal;
  }

  async #written(database: string, operation: StoredOperation, writer: UndoWriter, bytes: Buffer, record: RowsRecord): Promise<Refusal | null> {
    try {
      await this.#delivery.add(database, operation, writer, bytes, record);
      return null;
    } catch (error) {
      if (error instanceof UndoError && error.code === 'NOT_UNDOABLE') return { state: 'not-undoable', why: error.message };
      throw error;
    }
  }

  /** Queues the information rows of complete operations. */
  async #describe(transaction: StoredTransaction, complete: Map<number, StoredOperation>): Promise<void> {
    for (const operation of complete.values()) {
      this.#weight += OPERATION_BYTES + (operation.statement?.length ?? 0);
      if (operation.state === 'partial') await this.#states.set(operation, 'captured');
      const database = await this.#options.tables.table(operation.schema, operation.table);
      this.#information.add(database, transaction, operation, charsetOf(operation));
    }
    complete.clear();
  }

  /** What was delivered goes to its COMMIT, which the next group is made beside. */
  async #endGroup(to: Cursor): Promise<void> {
    const { ledger, source, epoch } = this.#options;
    const moved = this.#cursor?.ordinal !== to.ordinal || this.#cursor.block !== to.block;
    if (!moved && !this.#lanes.open) return;
    await this.#delivery.flush();
    await this.#information.flush();
    await this.#lanes.handOver((connection) => moveCursor(connection, ledger, source.id, PROJECTION, epoch, to));
    this.#weight = 0;
    this.#cursor = to;
  }
}

const charsetOf = ({ statementCharset }: StoredOperation): string | null => (statementCharset === null ? null : charsetByCollation(statementCharset)?.name ?? null);

/** Of one transaction, going backwards. */
interface Progress {
  /** Operations with rows delivered whose first rows may still lie ahead (that is, earlier in the binlog). */
  readonly begun: Map<number, StoredOperation>;
  /** Operations that were refused on the way. */
  readonly refused: Set<number>;
}

type Refusal = Pick<WriterVerdict & { kind: 'refused' }, 'state' | 'why'>;

interface JudgedDdl {
  readonly operation: StoredOperation;
  readonly verdict: DdlVerdict;
}

/** Not refused so far; a partial one has images that lack columns, which may be enough all the same. */
function isOpen(operation: StoredOperation): boolean {
  return operation.state === 'captured' || operation.state === 'partial';
}

/** Images that lack columns may be enough all the same. */
function judge(operation: StoredOperation, writer: UndoWriter, bytes: Buffer, record: RowsRecord): Refusal | null {
  if (operation.state !== 'partial') return null;
  const why = writer.refuses(parseRowsEvent(record.type, bytes, record.start, record.end));
  return why === null ? null : { state: 'partial-image', why };
}
