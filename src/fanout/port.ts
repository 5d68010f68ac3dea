/** One message for Kafka. */
export interface KafkaRecord {
  readonly topic: string;
  /** Records of one key keep their order. Null: no order is asked for. */
  readonly key: Buffer | null;
  /** Null: a tombstone. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where records go. One call at a time; what it was given counts as delivered once it resolves. */
export interface RecordSink {
  /** @throws UndoError KAFKA_UNREACHABLE, KAFKA_REFUSED, KAFKA_RECORD_TOO_LARGE. After a failure the sink is closed and not used again. */
  send(records: readonly KafkaRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** Bytes that a record takes in a batch, a little more than less. */
export function recordBytes(record: KafkaRecord): number {
  let bytes = 40 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const [name, value] of Object.entries(record.headers)) bytes += name.length + Buffer.byteLength(value) + 6;
  return bytes;
}
