import type { SourceFacts } from './source-facts.ts';
import { recordBytes, type KafkaRecord } from './port.ts';
import type { EventOrder } from './transaction-order.ts';

/** JSON text of a row: every column that its image holds. */
export type RowText = string;

export interface ChangedRow {
  readonly facts: SourceFacts;
  readonly opid: string;
  /** The rollback statement; null: not told. */
  readonly undo: string | null;
  /** A larger record goes without the statement. */
  readonly mostBytes: number;
  /** The first bytes of the statement; null: not logged. */
  readonly statement: string | null;
  readonly topic: string;
  readonly before: { readonly key: Buffer; readonly row: RowText } | null;
  readonly after: { readonly key: Buffer; readonly row: RowText } | null;
  /** Where the rows event begins in its binlog file. */
  readonly eventOffset: number;
  /** Its number in the transaction, from 0: with the transaction's identity it tells the record from all others. */
  readonly row: number;
  /** Gives the next record with a value its place in the transaction. */
  readonly order: () => EventOrder;
}

const CONTENT_TYPE = 'application/json';

/** The records of one row change, in order. A changed key is a delete under the old and a create under the new one. */
export function rowRecords(change: ChangedRow): KafkaRecord[] {
  const { before, after } = change;
  if (before && after) {
    if (before.key.equals(after.key)) return [record(change, 'u', after.key, before.row, after.row, '')];
    // One statement undoes both: who runs what stands in the records must not run it twice.
    return [
      record({ ...change, undo: null }, 'd', before.key, before.row, null, ':d'), tombstone(change, before.key, ':t'),
      record(change, 'c', after.key, null, after.row, ':c'),
    ];
  }
  if (after) return [record(change, 'c', after.key, null, after.row, '')];
  return before ? [record(change, 'd', before.key, before.row, null, ''), tombstone(change, before.key, ':t')] : [];
}

function dedup({ facts, row }: ChangedRow, part: string): string {
  return `${facts.identity}:${row}${part}`;
}

function headers(change: ChangedRow, part: string): Record<string, string> {
  return { 'content-type': CONTENT_TYPE, 'binlog-undo-opid': change.opid, 'binlog-undo-dedup-id': dedup(change, part) };
}

function record(change: ChangedRow, op: 'c' | 'u' | 'd', key: Buffer, before: RowText | null, after: RowText | null, part: string): KafkaRecord {
  const { facts, topic, opid, statement, row } = change;
  const source = JSON.stringify({ ...facts.source, pos: change.eventOffset, row, query: statement });
  const transaction = JSON.stringify({ id: facts.transaction, ...change.order() });
  const rest = `{"op":"${op}","before":${before ?? 'null'},"after":${after ?? 'null'},"source":${source},"transaction":${transaction},"ts_ms":${Date.now()},"undo":`;
  const made = (sql: string | null): KafkaRecord => {
    const undo = JSON.stringify({ opid, sql });
    return { topic, key, value: Buffer.from(`${rest}${undo}}`), headers: headers(change, part) };
  };
  const whole = made(change.undo);
  return change.undo !== null && recordBytes(whole) > change.mostBytes ? made(null) : whole;
}

function tombstone(change: ChangedRow, key: Buffer, part: string): KafkaRecord {
  return { topic: change.topic, key, value: null, headers: headers(change, part) };
}

/** What is no row change: DDL, a gap, a record that was left out. On the topic that is named like the prefix. */
export function eventRecord(topic: string, facts: SourceFacts, event: { readonly type: 'ddl' | 'gap' | 'skipped'; readonly schema: string | null; readonly id: string } & Readonly<Record<string, unknown>>): KafkaRecord {
  const { id, ...rest } = event;
  return {
    topic, key: Buffer.from(JSON.stringify({ database: event.schema })),
    value: Buffer.from(JSON.stringify({ ...rest, source: facts.source, ts_ms: Date.now() })),
    headers: { 'content-type': CONTENT_TYPE, 'binlog-undo-dedup-id': `${facts.identity}:${id}` },
  };
}

