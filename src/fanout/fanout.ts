import type { Connection } from 'mysql2/promise';
import { UndoError, reasonOf } from '../core/errors.ts';
import { parseRowsEvent } from '../binlog/rows-event.ts';
import { moveCursor, takeCursor } from '../store/cursor.ts';
import type { Ledger } from '../store/ledger.ts';
import { BlockReader, readTransactions, type StoredOperation, type StoredTransaction } from '../store/log-reader.ts';
import { nextInLog } from '../store/retention-cut.ts';
import { eventRecord, rowRecords } from './envelope.ts';
import type { MaskSettings } from './masks.ts';
import { recordBytes, type KafkaRecord, type RecordSink } from './port.ts';
import { ReadAhead } from './read-ahead.ts';
import { Shapes, type TextsVerdict } from './shapes.ts';
import { sourceFacts, type SourceFacts } from './source-facts.ts';
import { tableTopic, transactionTopic } from './topics.ts';
import { TransactionOrder } from './transaction-order.ts';

export const FANOUT = 'kafka';

export interface FanoutSettings {
  readonly topicPrefix: string;
  /** One topic for each table, or all in the one that is named like the prefix. */
  readonly topics: 'table' | 'single';
  readonly maxRecordBytes: number;
  /** A record that is larger: stop before it, or leave it out with a note on the prefix's topic. */
  readonly onLarge: 'stop' | 'skip';
  /** Records for the begin and the end of each transaction with row changes. */
  readonly transactionMetadata: boolean;
  readonly masks: MaskSettings;
}

export interface FanoutOptions extends FanoutSettings {
  /** Owned by the fan-out: READ COMMITTED. */
  readonly connection: Connection;
  readonly ledger: Ledger;
  readonly sourceId: number;
  readonly alias: string;
  readonly epoch: number;
  readonly version: string;
  readonly sink: RecordSink;
  /** Records were acknowledged. */
  readonly onSent: (records: number) => void;
  /** Called after each batch: time to let others work. */
  readonly pace: () => Promise<void>;
}

/** Transactions read at a time. */
const TRANSACTIONS = 200;
const BATCH_BYTES = 512 * 1024;
const BATCH_RECORDS = 2000;

/**
 * Sends the log to Kafka in commit order, at least once: the cursor moves after the acknowledgement of everything before it.
 * It rests between transactions, so that after a failure the transactions since then are sent once more, with equal dedup ids.
 */
export class Fanout {
  readonly #options: FanoutOptions;
  readonly #blocks: BlockReader;
  readonly #ahead: ReadAhead;
  readonly #shapes: Shapes;
  #batch: { readonly record: KafkaRecord; readonly ordinal: number }[] = [];
  #batchBytes = 0;
  #cursor: number | null = null;

  constructor(options: FanoutOptions) {
    this.#options = options;
    this.#blocks = new BlockReader(options.connection, options.ledger, options.sourceId);
    this.#ahead = new ReadAhead(options.connection, options.ledger, options.sourceId);
    this.#shapes = new Shapes(options.connection, options.ledger, options.sourceId, options.masks);
  }

  /** Delivers what is durable before `upTo`; stops early at a table whose definition is not known yet. */
  async catchUp(upTo: number, signal: AbortSignal): Promise<void> {
    const { connection, ledger, sourceId, epoch } = this.#options;
    let next = (this.#cursor ??= (await takeCursor(connection, ledger, sourceId, FANOUT, epoch)).ordinal);
    this.#shapes.forget();
    const stopped = (): boolean => signal.aborted;
    while (next < upTo && !stopped()) {
      const found = await readTransactions(connection, ledger, sourceId, next, Math.min(next + TRANSACTIONS, upTo));
      // Retention has removed what lay here before this consumer began.
      if (found.length === 0) next = Math.min(upTo, await nextInLog(connection, ledger, sourceId, next, upTo));
      await this.#ahead.prepare(found);
      let complete = true;
      for (const transaction of found) {
        complete = !stopped() && await this.#deliver(transaction, signal);
        if (!complete) break;
        next = transaction.ordinal + 1;
      }
      if (stopped()) return;
      // What was collected of a transaction that cannot be completed now comes again.
      if (!complete) this.#batch = this.#batch.filter(({ ordinal }) => ordinal < next);
      await this.#flush();
      await this.#moveTo(next);
      if (!complete) return;
    }
  }

  async #moveTo(ordinal: number): Promise<void> {
    if (this.#cursor === ordinal) return;
    const { connection, ledger, sourceId, epoch } = this.#options;
    await moveCursor(connection, ledger, sourceId, FANOUT, epoch, { ordinal, block: null });
    this.#cursor = ordinal;
  }

  /** @returns false when a definition is still to come, or the signal says to stop. */
  async #deliver(transaction: StoredTransaction, signal: AbortSignal): Promise<boolean> {
    await this.#gaps(transaction);
    const told = new Set<number>();
    const order = new TransactionOrder();
    let row = 0;
    let ddlFrom = 0;
    const { firstBlock, lastBlock, tag } = transaction;
    for (let block = firstBlock ?? 1; block <= (lastBlock ?? 0); block++) {
      const contents = await this.#blocks.read(block);
      const records = contents.rowsOf(tag);
      const last = records.reduce((most, { operation }) => Math.max(most, operation), ddlFrom);
      const operations = await this.#ahead.operations(transaction, ddlFrom, last);
      for (const record of records) {
        for (; ddlFrom < record.operation; ddlFrom++) await this.#ddl(transaction, operations.get(ddlFrom));
        const operation = operations.get(record.operation);
        // Without one it was rolled back.
        if (!operation) continue;
        const verdict = await this.#shapes.find(transaction, record);
        if (verdict.kind === 'pending') return false;
        const facts = this.#facts(transaction, operation.schema, operation.table);
        const event = parseRowsEvent(record.type, contents.bytes, record.start, record.end);
        if (verdict.kind === 'unreadable') {
          if (!told.has(operation.seq)) await this.#unreadable(transaction, operation, facts, verdict.why);
          told.add(operation.seq);
          continue;
        }
        if (!order.begun) await this.#boundary(transaction, (topic) => order.begin(topic, facts));
        row = await this.#rows(transaction, operation, facts, verdict, event, record.offset, row, order);
        if (signal.aborted) return false;
      }
    }
    const rest = await this.#ahead.operations(transaction, ddlFrom, Number.MAX_SAFE_INTEGER);
    for (const operation of rest.values()) await this.#ddl(transaction, operation);
    if (order.begun) await this.#boundary(transaction, (topic) => order.end(topic, this.#facts(transaction, null, null)));
    return true;
  }

  async #boundary(transaction: StoredTransaction, make: (topic: string) => KafkaRecord): Promise<void> {
    const { transactionMetadata, topics, topicPrefix } = this.#options;
    if (!transactionMetadata) return;
    await this.#add(transaction, make(topics === 'single' ? topicPrefix : transactionTopic(topicPrefix)), this.#facts(transaction, null, null));
  }

  async #rows(
    transaction: StoredTransaction, operation: StoredOperation, facts: SourceFacts, { texts }: TextsVerdict & { kind: 'texts' },
    event: ReturnType<typeof parseRowsEvent>, eventOffset: number, firstRow: number, order: TransactionOrder,
  ): Promise<number> {
    const topic = this.#topic(operation.schema, operation.table);
    // With masks its text may hold the very values, also those of another table.
    const statement = this.#options.masks.rules.length > 0 ? null : operation.statement?.toString('utf8') ?? null;
    const place = (): ReturnType<TransactionOrder['next']> => order.next(`${operation.schema}.${operation.table}`);
    const made: KafkaRecord[][] = [];
    let row = firstRow;
    texts.forEach(event, (before, after, undo) => {
      made.push(rowRecords({ facts, opid: operation.opid, undo, mostBytes: this.#options.maxRecordBytes, statement, topic, before, after, eventOffset, row: row++, order: place }));
    });
    for (const records of made) for (const record of records) await this.#add(transaction, record, facts);
    return row;
  }

  async #ddl(transaction: StoredTransaction, operation: StoredOperation | undefined): Promise<void> {
    if (operation?.ddl !== true) return;
    const { schema, table, type, seq, opid, statement } = operation;
    const facts = this.#facts(transaction, schema, table);
    await this.#add(transaction, eventRecord(this.#options.topicPrefix, facts, {
      type: 'ddl', schema, id: `ddl:${seq}`, table, kind: type, ddl: statement?.toString('utf8') ?? null, undo: { opid },
    }), facts);
  }

  async #unreadable(transaction: StoredTransaction, operation: StoredOperation, facts: SourceFacts, why: string): Promise<void> {
    const { schema, table, seq, opid } = operation;
    await this.#add(transaction, eventRecord(this.#options.topicPrefix, facts, {
      type: 'gap', schema, id: `gap:operation:${seq}`, table, reason: 'unreadable', detail: why, undo: { opid },
    }), facts);
  }

  async #gaps(transaction: StoredTransaction): Promise<void> {
    for (const { id, reason, schema_name: schema, table_name: table, detail } of this.#ahead.gaps(transaction.ordinal)) {
      const facts = this.#facts(transaction, schema, table);
      await this.#add(transaction, eventRecord(this.#options.topicPrefix, facts, { type: 'gap', schema, id: `gap:${id}`, table, reason, detail }), facts);
    }
  }

  #facts(transaction: StoredTransaction, schema: string | null, table: string | null): SourceFacts {
    return sourceFacts(this.#options.version, this.#options.alias, transaction, schema, table);
  }

  #topic(schema: string, table: string): string {
    const { topics, topicPrefix } = this.#options;
    if (topics === 'single') return topicPrefix;
    try {
      return tableTopic(topicPrefix, schema, table);
    } catch (error) {
      throw new UndoError('KAFKA_REFUSED', reasonOf(error), { cause: error });
    }
  }

  async #add(transaction: StoredTransaction, record: KafkaRecord, facts: SourceFacts): Promise<void> {
    const { maxRecordBytes, onLarge, topicPrefix } = this.#options;
    let added = record;
    let bytes = recordBytes(record);
    if (bytes > maxRecordBytes) {
      const what = `A record of ${bytes} bytes for the topic ${record.topic} (transaction ${facts.transaction})`;
      if (onLarge === 'stop') throw new UndoError('KAFKA_RECORD_TOO_LARGE', `${what} is larger than ${maxRecordBytes} bytes.`);
      added = eventRecord(topicPrefix, facts, {
        type: 'skipped', schema: facts.source.db as string | null, id: `skipped:${record.headers['binlog-undo-dedup-id'] ?? ''}`, table: facts.source.table ?? null,
        topic: record.topic, bytes, dedup_id: record.headers['binlog-undo-dedup-id'] ?? null, undo: { opid: record.headers['binlog-undo-opid'] ?? null },
      });
      bytes = recordBytes(added);
    }
    if (this.#batch.length > 0 && (this.#batchBytes + bytes > BATCH_BYTES || this.#batch.length >= BATCH_RECORDS)) await this.#flush();
    this.#batch.push({ record: added, ordinal: transaction.ordinal });
    this.#batchBytes += bytes;
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (batch.length === 0) return;
    await this.#options.sink.send(batch.map(({ record }) => record));
    this.#options.onSent(batch.length);
    await this.#options.pace();
  }
}
