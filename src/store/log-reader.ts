import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { rows, scalar } from '../core/mysql.ts';
import { fileNumber, type Position } from '../core/position.ts';
import type { DdlSession } from '../capture/types.ts';
import type { TableDefinition } from '../schema/definition.ts';
import { unpackBlock } from './block-codec.ts';
import { readBlock, type BlockContents, type RowsRecord } from './block-format.ts';
import type { Ledger } from './ledger.ts';

export interface StoredTransaction {
  readonly ordinal: number;
  readonly incarnationId: number;
  readonly gtid: string | null;
  readonly start: Position;
  readonly end: Position;
  /** Microseconds since the epoch. */
  readonly commitMicros: number;
  readonly statedSeconds: number;
  /** 0: unknown. */
  readonly threadId: number;
  readonly serverId: number;
  readonly tag: number;
  /** As counted at commit; operations rolled back by then are not among them. */
  readonly operationCount: number;
  readonly firstBlock: number | null;
  readonly lastBlock: number | null;
  /** The file that its rows events lie in: `RowsRecord.offset` counts there. */
  readonly rowsFile: string;
  /** The script of ours that this was a run of. */
  readonly script: string | null;
}

export interface StoredOperation {
  readonly ordinal: number;
  readonly seq: number;
  readonly opid: string;
  readonly schema: string;
  readonly table: string;
  readonly type: string;
  readonly ddl: boolean;
  readonly seconds: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** The first bytes of the statement as logged; null when the server did not log it. */
  readonly statement: Buffer | null;
  readonly statementBytes: number;
  readonly statementCharset: number | null;
  /**
   * `captured`; `partial`: some row images lack columns and nobody has looked yet whether they can be undone all the same;
   * `copied`: rows of an online schema change, counted only; else why they cannot be rendered: `definition-unknown`, `not-undoable`, `partial-image`. Of DDL also `no-effect`, and `elsewhere`:
   * its undo stands with another table of the statement.
   */
  readonly state: string;
  /** Of DDL: what its text has to be read with. */
  readonly session: DdlSession | null;
  /** Of DDL: why it cannot be undone, or what its undo does not bring back; of copied rows: whose copy it was. */
  readonly remark: string | null;
}

type Fields = Record<string, string | number | null>;

/** Columns of `transactions` as `toTransaction` reads them; `prefix` is the table's alias in the query. */
export function transactionColumns(prefix: string): string {
  return ['ordinal', 'incarnation_id', 'gtid', 'start_file', 'start_offset', 'end_file', 'end_offset', 'commit_micros', 'stated_seconds',
    'thread_id', 'server_id', 'tag', 'operation_count', 'first_block', 'last_block', 'rows_file', 'script_id'].map((name) => `${prefix}.${name}`).join(', ');
}

export function toTransaction(found: Fields): StoredTransaction {
  const block = (value: string | number | null | undefined): number | null => (value === null || value === undefined ? null : Number(value));
  return {
    ordinal: Number(found.ordinal), incarnationId: Number(found.incarnation_id), gtid: found.gtid as string | null,
    start: { file: String(found.start_file), offset: Number(found.start_offset) }, end: { file: String(found.end_file), offset: Number(found.end_offset) },
    commitMicros: Number(found.commit_micros), statedSeconds: Number(found.stated_seconds), threadId: Number(found.thread_id),
    serverId: Number(found.server_id), tag: Number(found.tag), operationCount: Number(found.operation_count), firstBlock: block(found.first_block), lastBlock: block(found.last_block),
    rowsFile: String(found.rows_file ?? found.start_file), script: found.script_id as string | null,
  };
}

export function operationColumns(prefix: string): string {
  return ['ordinal', 'seq', 'opid', 'schema_name', 'table_name', 'type', 'ddl', 'seconds', 'inserted', 'updated', 'deleted', 'statement',
    'statement_bytes', 'statement_charset', 'state', 'default_schema', 'sql_mode', 'remark'].map((name) => `${prefix}.${name}`).join(', ');
}

export function toOperation(found: Fields & { statement: Buffer | null }): StoredOperation {
  return {
    ordinal: Number(found.ordinal), seq: Number(found.seq), opid: String(found.opid), schema: String(found.schema_name), table: String(found.table_name),
    type: String(found.type), ddl: Number(found.ddl) === 1, seconds: Number(found.seconds), inserted: Number(found.inserted), updated: Number(found.updated),
    deleted: Number(found.deleted), statement: found.statement, statementBytes: Number(found.statement_bytes),
    statementCharset: found.statement_charset === null ? null : Number(found.statement_charset), state: String(found.state),
    session: found.default_schema === null ? null : { schema: String(found.default_schema), sqlMode: Number(found.sql_mode) }, remark: found.remark as string | null,
  };
}

/** Transactions with `from <= ordinal < to`, oldest first. */
export async function readTransactions(connection: Connection, ledger: Ledger, sourceId: number, from: number, to: number): Promise<StoredTransaction[]> {
  const found = await rows<Fields>(connection,
    `SELECT ${transactionColumns('t')} FROM ${ledger.table('transactions')} t WHERE t.source_id = ? AND t.ordinal >= ? AND t.ordinal < ? ORDER BY t.ordinal`,
    [sourceId, from, to]);
  return found.map(toTransaction);
}

/** The first ordinal that belongs to an incarnation, whether or not a transaction has it yet. */
export async function firstOrdinalOf(connection: Connection, ledger: Ledger, incarnationId: number): Promise<number> {
  return Number(await scalar<string>(connection, `SELECT first_ordinal FROM ${ledger.table('incarnations')} WHERE id = ?`, [incarnationId]) ?? 1);
}

/** The newest transaction of an incarnation with an ordinal up to this one; null when the log has none. */
export async function lastTransactionOf(connection: Connection, ledger: Ledger, sourceId: number, incarnationId: number, ordinal: number): Promise<StoredTransaction | null> {
  const [found] = await rows<Fields>(connection,
    `SELECT ${transactionColumns('t')} FROM ${ledger.table('transactions')} t WHERE t.source_id = ? AND t.ordinal <= ? AND t.incarnation_id = ? ORDER BY t.ordinal DESC LIMIT 1`,
    [sourceId, ordinal, incarnationId]);
  return found ? toTransaction(found) : null;
}

/** Operations of the transactions with `from <= ordinal < to`, in order. */
export async function readOperations(connection: Connection, ledger: Ledger, sourceId: number, from: number, to: number): Promise<StoredOperation[]> {
  const found = await rows<Fields & { statement: Buffer | null }>(connection,
    `SELECT ${operationColumns('o')} FROM ${ledger.table('operations')} o WHERE o.source_id = ? AND o.ordinal >= ? AND o.ordinal < ? ORDER BY o.ordinal, o.seq`,
    [sourceId, from, to]);
  return found.map(toOperation);
}

/** Operations of one transaction with `first <= seq <= last`: a transaction may hold more than fit into memory. */
export async function readOperationsBetween(
  connection: Connection, ledger: Ledger, sourceId: number, ordinal: number, first: number, last: number,
): Promise<StoredOperation[]> {
  const found = await rows<Fields & { statement: Buffer | null }>(connection,
    `SELECT ${operationColumns('o')} FROM ${ledger.table('operations')} o WHERE o.source_id = ? AND o.ordinal = ? AND o.seq BETWEEN ? AND ? ORDER BY o.seq`,
    [sourceId, ordinal, first, last]);
  return found.map(toOperation);
}

/** The DDL of a transaction that may have very many operations, in order. */
export async function readDdlOperations(connection: Connection, ledger: Ledger, sourceId: number, ordinal: number): Promise<StoredOperation[]> {
  const found = await rows<Fields & { statement: Buffer | null }>(connection,
    `SELECT ${operationColumns('o')} FROM ${ledger.table('operations')} o WHERE o.source_id = ? AND o.ddl = 1 AND o.ordinal = ? ORDER BY o.seq`, [sourceId, ordinal]);
  return found.map(toOperation);
}

/** Operations of these transactions whose statement is short or not logged, in order. */
export async function readSmallOperations(
  connection: Connection, ledger: Ledger, sourceId: number, ordinals: readonly number[], mostStatementBytes: number,
): Promise<StoredOperation[]> {
  if (ordinals.length === 0) return [];
  const found = await rows<Fields & { statement: Buffer | null }>(connection,
    `SELECT ${operationColumns('o')} FROM ${ledger.table('operations')} o WHERE o.source_id = ? AND o.ordinal IN (${ordinals.map(() => '?').join(', ')})
     AND COALESCE(OCTET_LENGTH(o.statement), 0) <= ? ORDER BY o.ordinal, o.seq`, [sourceId, ...ordinals, mostStatementBytes]);
  return found.map(toOperation);
}

/** Blocks are fetched ahead of their time up to this size: there may be one more of them in memory. */
const AHEAD_BYTES = 2 * 1024 * 1024;

/** Reads blocks, keeping the last few: neighbouring transactions share them. */
export class BlockReader {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #kept = new Map<number, BlockContents>();
  #ahead: { readonly block: number; readonly contents: Promise<BlockContents | null> } | null = null;

  constructor(connection: Connection, ledger: Ledger, sourceId: number) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
  }

  /** @param next wanted soon: it is fetched meanwhile, unless it is large. */
  async read(block: number, next: number | null = null): Promise<BlockContents> {
    const contents = this.#kept.get(block) ?? await this.#readNow(block);
    if (next !== null && next !== this.#ahead?.block && !this.#kept.has(next)) {
      this.#ahead = { block: next, contents: this.#fetch(next, AHEAD_BYTES) };
      // Whoever reads the block is told.
      this.#ahead.contents.catch(() => undefined);
    }
    return contents;
  }

  async #readNow(block: number): Promise<BlockContents> {
    const ahead = this.#ahead;
    if (ahead?.block === block) this.#ahead = null;
    const contents = (ahead?.block === block && await ahead.contents) || await this.#fetch(block, Number.MAX_SAFE_INTEGER);
    if (!contents) throw new UndoError('INTERNAL', `Block ${block} is missing from the log.`);
    if (this.#kept.size >= 2) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(block, contents);
    return contents;
  }

  /** Null when there is none of at most so many bytes. */
  async #fetch(block: number, mostBytes: number): Promise<BlockContents | null> {
    const parts = await rows<{ codec: number | string; raw_bytes: number | string; data: Buffer }>(this.#connection,
      `SELECT codec, raw_bytes, data FROM ${this.#ledger.table('blocks')} WHERE source_id = ? AND block = ? AND raw_bytes <= ? ORDER BY part`, [this.#sourceId, block, mostBytes]);
    const [first] = parts;
    if (!first) return null;
    const data = parts.length === 1 ? first.data : Buffer.concat(parts.map((part) => part.data));
    return readBlock(await unpackBlock({ codec: Number(first.codec), rawBytes: Number(first.raw_bytes), data }));
  }
}

/** One rows event of a transaction, over its block's bytes. */
export interface LoggedRows {
  readonly block: number;
  readonly contents: BlockContents;
  readonly record: RowsRecord;
}

/**
 * A transaction's rows events, newest first, one block in memory at a time.
 * @param fromBlock start at this block instead of the last one (to go on after an interruption).
 */
export async function* rowsBackwards(reader: BlockReader, transaction: StoredTransaction, fromBlock = transaction.lastBlock): AsyncGenerator<LoggedRows> {
  if (transaction.firstBlock === null || fromBlock === null) return;
  for (let block = fromBlock; block >= transaction.firstBlock; block--) {
    const contents = await reader.read(block);
    for (const record of contents.rowsOf(transaction.tag).toReversed()) yield { block, contents, record };
  }
}

/** One entry in the history of a table's definitions, in force from `from` until `until`. */
export interface DefinitionEntry {
  readonly from: { readonly number: number; readonly offset: number };
  readonly until: { readonly number: number; readonly offset: number } | null;
  readonly proven: boolean;
  /** The DDL that made it is to be run again: until then nobody knows what it made. */
  readonly replaying: boolean;
  /** Null: the table was not there when it was looked up. */
  readonly definition: TableDefinition | null;
}

export async function readDefinitions(
  connection: Connection, ledger: Ledger, sourceId: number, incarnationId: number, schema: string, table: string,
): Promise<DefinitionEntry[]> {
  const found = await rows<Fields>(connection,
    `SELECT from_number, from_offset, until_number, until_offset, proven, ddl IS NOT NULL AS replaying, definition FROM ${ledger.table('definitions')}
     WHERE source_id = ? AND incarnation_id = ? AND schema_name = ? AND table_name = ? ORDER BY from_number, from_offset`, [sourceId, incarnationId, schema, table]);
  return found.map((entry) => ({
    from: { number: Number(entry.from_number), offset: Number(entry.from_offset) },
    until: entry.until_number === null ? null : { number: Number(entry.until_number), offset: Number(entry.until_offset) },
    proven: Number(entry.proven) === 1,
    replaying: Number(entry.replaying) === 1,
    definition: entry.definition === null ? null : JSON.parse(String(entry.definition)) as TableDefinition,
  }));
}

/** Whether an entry is in force at a position of the same incarnation. */
export function inForce(entry: DefinitionEntry, at: Position): boolean {
  return hasBegun(entry, at) && !isOver(entry, at);
}

function hasBegun({ from }: DefinitionEntry, { file, offset }: Position): boolean {
  const number = fileNumber(file);
  return from.number < number || (from.number === number && from.offset <= offset);
}

function isOver({ until }: DefinitionEntry, { file, offset }: Position): boolean {
  if (until === null) return false;
  const number = fileNumber(file);
  return until.number < number || (until.number === number && until.offset <= offset);
}

/**
 * The entries that may tell what rows at a position are: the one in force, and those that came after it. One that DDL has
 * ended before says nothing, however well it fits: TABLE_MAP does not tell what that DDL may have changed.
 */
export function candidatesAt(entries: readonly DefinitionEntry[], at: Position): (DefinitionEntry & { readonly inForce: boolean })[] {
  return entries.filter((entry) => !isOver(entry, at)).map((entry) => ({ ...entry, inForce: inForce(entry, at) }));
}

/** A number that is equal where `candidatesAt` is: going on in the binlog, entries only ever begin and end, so that how many did tells which. */
export function standingAt(entries: readonly DefinitionEntry[], at: Position): number {
  let [over, current] = [0, 0];
  for (const entry of entries) {
    if (isOver(entry, at)) over++;
    else if (hasBegun(entry, at)) current++;
  }
  return over * (entries.length + 1) + current;
}
