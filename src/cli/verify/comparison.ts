import type { Connection } from 'mysql2/promise';
import { rows } from '../../core/mysql.ts';
import { comparePositions, formatPosition } from '../../core/position.ts';
import { BlockReader, readOperationsBetween, readTransactions, type StoredOperation, type StoredTransaction } from '../../store/log-reader.ts';
import { COPIED } from '../../store/copy-sql.ts';
import type { Ledger } from '../../store/ledger.ts';
import { RowsDigest, type ReadOperation, type ReadTransaction } from './reading.ts';

export interface Difference {
  /** missing: the log lacks it; extra: the binlog lacks it; different: both have it; live: a row of the source is not as its newest change in the log left it. */
  readonly kind: 'missing' | 'extra' | 'different' | 'live';
  readonly position: string;
  readonly opid: string | null;
  readonly what: string;
}

export interface Compared {
  transactions: number;
  operations: number;
  rows: number;
  missing: number;
  extra: number;
  different: number;
}

const TRANSACTIONS_AT_ONCE = 200;
const OPERATIONS_AT_ONCE = 2000;
/** Differences that are told one by one; all are counted. */
const TOLD = 100;

/** Goes through the log in step with a reading of the binlog, and says where they differ. */
export class Comparison {
  readonly counts: Compared = { transactions: 0, operations: 0, rows: 0, missing: 0, extra: 0, different: 0 };
  readonly told: Difference[] = [];
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #blocks: BlockReader;
  readonly #to: number;
  #next: number;
  #page: StoredTransaction[] = [];

  /** Over the transactions with `from <= ordinal < to`. */
  constructor(connection: Connection, ledger: Ledger, sourceId: number, from: number, to: number) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
    this.#blocks = new BlockReader(connection, ledger, sourceId);
    this.#next = from;
    this.#to = to;
  }

  async with(read: ReadTransaction): Promise<void> {
    let logged = await this.#peek();
    while (logged && comparePositions(logged.start, read.start) < 0) {
      this.#extra(logged);
      logged = await this.#peek();
    }
    // Only rolled-back rows of tables that may or may not be transactional: the log may have kept nothing.
    const maybe = read.rolledBack || (read.operations?.every(({ operation }) => operation.rolledBack) ?? false);
    if (!logged || comparePositions(logged.start, read.start) > 0) {
      if (!maybe && read.operations?.length !== 0) this.#tell('missing', formatPosition(read.start), null, `transaction ${read.gtid ?? ''} up to ${formatPosition(read.end)}`);
      return;
    }
    this.#page.shift();
    await this.#transaction(logged, read);
  }

  /** What the log has behind the last transaction read. */
  async end(): Promise<void> {
    for (let logged = await this.#peek(); logged; logged = await this.#peek()) this.#extra(logged);
  }

  async #peek(): Promise<StoredTransaction | undefined> {
    while (this.#page.length === 0 && this.#next < this.#to) {
      const end = Math.min(this.#to, this.#next + TRANSACTIONS_AT_ONCE);
      this.#page = await readTransactions(this.#connection, this.#ledger, this.#sourceId, this.#next, end);
      this.#next = end;
    }
    return this.#page[0];
  }

  async #transaction(logged: StoredTransaction, read: ReadTransaction): Promise<void> {
    this.counts.transactions++;
    const at = formatPosition(logged.start);
    if (comparePositions(logged.end, read.end) !== 0) this.#tell('different', at, null, `ends at ${formatPosition(logged.end)} in the log, at ${formatPosition(read.end)} in the binlog`);
    if (logged.gtid !== read.gtid) this.#tell('different', at, null, `has GTID ${logged.gtid ?? 'none'} in the log, ${read.gtid ?? 'none'} in the binlog`);
    if (read.operations === null) return;
    const erased = await this.#erased(logged.ordinal);
    const expected = new Map(read.operations.map((entry) => [entry.operation.seq, entry]));
    const digests = await this.#digests(logged, at);
    for (let first = 0; ; first += OPERATIONS_AT_ONCE) {
      const page = await readOperationsBetween(this.#connection, this.#ledger, this.#sourceId, logged.ordinal, first, first + OPERATIONS_AT_ONCE - 1);
      for (const operation of page) {
        const entry = expected.get(operation.seq);
        expected.delete(operation.seq);
        if (entry) this.#operation(operation, entry, digests.get(operation.seq)?.digest() ?? '', at, erased);
        else this.#tell('extra', at, operation.opid, `${operation.type} of ${operation.schema}.${operation.table}`);
      }
      if (first + OPERATIONS_AT_ONCE > Math.max(...expected.keys(), logged.operationCount, page.at(-1)?.seq ?? 0)) break;
    }
    for (const { operation } of expected.values()) {
      if (!operation.rolledBack && !read.rolledBack) this.#tell('missing', at, operation.opid, `${operation.type} of ${operation.schema}.${operation.table}`);
    }
  }

  #operation(logged: StoredOperation, { operation, digest }: ReadOperation, stored: string, at: string, erased: ReadonlySet<string>): void {
    this.counts.operations++;
    this.counts.rows += operation.inserted + operation.updated + operation.deleted;
    const differs: string[] = [];
    // Where rows were erased the log lacks them by intent, and SQL texts of their transaction with them.
    const thinned = erased.has(`${logged.schema}\0${logged.table}`);
    const counts = thinned ? [] : ['inserted', 'updated', 'deleted'] as const;
    for (const name of ['opid', 'schema', 'table', 'type', 'ddl', 'seconds', ...counts] as const) {
      if (logged[name] !== operation[name]) differs.push(`${name} is ${String(logged[name])} in the log, ${String(operation[name])} in the binlog`);
    }
    if (erased.size === 0 && (logged.statement !== null || operation.statement !== null)) {
      const kept = logged.statement ?? Buffer.alloc(0);
      const whole = operation.statement ?? Buffer.alloc(0);
      if (logged.statementBytes !== whole.length || !kept.equals(whole.subarray(0, kept.length))) differs.push('the SQL text differs');
    }
    // Rows of an online schema change are counted, and not stored.
    if (!thinned && logged.state !== COPIED && digest !== stored) differs.push(stored === '' ? 'its row images are not in the log' : 'its row images differ');
    for (const what of differs) this.#tell('different', at, logged.opid, what);
  }

  /** The tables of a transaction of which rows were erased. */
  async #erased(ordinal: number): Promise<ReadonlySet<string>> {
    const found = await rows<{ schema_name: string; table_name: string }>(this.#connection,
      `SELECT schema_name, table_name FROM ${this.#ledger.table('gaps')} WHERE source_id = ? AND ordinal = ? AND reason = 'erased'`, [this.#sourceId, ordinal]);
    return new Set(found.map(({ schema_name: schema, table_name: table }) => `${schema}\0${table}`));
  }

  /** Of the rows that the blocks hold of a transaction, by operation. */
  async #digests(transaction: StoredTransaction, at: string): Promise<Map<number, RowsDigest>> {
    const digests = new Map<number, RowsDigest>();
    const { firstBlock, lastBlock, tag } = transaction;
    if (firstBlock === null || lastBlock === null) return digests;
    for (let block = firstBlock; block <= lastBlock; block++) {
      try {
        const { bytes, rows: records } = await this.#blocks.read(block);
        for (const record of records) {
          if (record.tag !== tag) continue;
          let digest = digests.get(record.operation);
          if (!digest) digests.set(record.operation, (digest = new RowsDigest()));
          digest.add(record.type, record.tableMap, bytes, record.start, record.end);
        }
      } catch (error) {
        this.#tell('different', at, null, `block ${block} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return digests;
  }

  #extra(logged: StoredTransaction): void {
    this.#page.shift();
    this.#tell('extra', formatPosition(logged.start), null, `transaction ${logged.gtid ?? ''} up to ${formatPosition(logged.end)}`);
  }

  #tell(kind: Exclude<Difference['kind'], 'live'>, position: string, opid: string | null, what: string): void {
    this.counts[kind]++;
    if (this.told.length < TOLD) this.told.push({ kind, position, opid, what });
  }
}
