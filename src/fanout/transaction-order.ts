import type { KafkaRecord } from './port.ts';
import type { SourceFacts } from './source-facts.ts';

/** Debezium's place of an event in its transaction, both from 1: among all of its row changes, and among those of its table. */
export interface EventOrder {
  readonly total_order: number;
  readonly data_collection_order: number;
}

/** Numbers the row changes of one transaction, and makes the records that tell of its begin and end. */
export class TransactionOrder {
  #total = 0;
  readonly #tables = new Map<string, number>();

  get begun(): boolean {
    return this.#total > 0;
  }

  /** @param table as `database.table`. */
  next(table: string): EventOrder {
    const ofTable = (this.#tables.get(table) ?? 0) + 1;
    this.#tables.set(table, ofTable);
    return { total_order: ++this.#total, data_collection_order: ofTable };
  }

  begin(topic: string, facts: SourceFacts): KafkaRecord {
    return boundary(topic, facts, 'BEGIN', { event_count: null, data_collections: null });
  }

  end(topic: string, facts: SourceFacts): KafkaRecord {
    const collections = [...this.#tables].map(([table, count]) => ({ data_collection: table, event_count: count }));
    return boundary(topic, facts, 'END', { event_count: this.#total, data_collections: collections });
  }
}

function boundary(topic: string, { transaction, identity, source }: SourceFacts, status: 'BEGIN' | 'END', counts: Readonly<Record<string, unknown>>): KafkaRecord {
  return {
    topic, key: Buffer.from(JSON.stringify({ id: transaction })),
    value: Buffer.from(JSON.stringify({ status, id: transaction, ts_ms: source.ts_ms, ...counts })),
    headers: { 'content-type': 'application/json', 'binlog-undo-dedup-id': `${identity}:${status.toLowerCase()}` },
  };
}
