import { u16 } from '../core/bytes.ts';
import { RowsFlag } from '../binlog/types.ts';
import type { BlockContents, RowsRecord } from '../store/block-format.ts';

/** Offset of the flags in a rows event's body: they follow the six bytes of the table id. */
const FLAGS_AT = 6;

/** What one block holds of one transaction. */
export interface TransactionBlock {
  readonly bytes: Buffer;
  readonly newestFirst: readonly RowsRecord[];
  readonly firstOperation: number;
  readonly lastOperation: number;
  /** Whether a rows event is the last of its statement. */
  endsStatement(record: RowsRecord): boolean;
}

export function ofTransaction(contents: BlockContents, tag: number): TransactionBlock {
  const newestFirst = contents.rowsOf(tag).toReversed();
  let firstOperation = Number.MAX_SAFE_INTEGER;
  let lastOperation = 0;
  for (const { operation } of newestFirst) {
    firstOperation = Math.min(firstOperation, operation);
    lastOperation = Math.max(lastOperation, operation);
  }
  return {
    bytes: contents.bytes, newestFirst, firstOperation, lastOperation,
    endsStatement: (record) => (u16(contents.bytes, record.start + FLAGS_AT) & RowsFlag.STATEMENT_END) !== 0,
  };
}
