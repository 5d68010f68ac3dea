import type { Position } from '../core/position.ts';
import type { Anchor } from '../binlog/anchor.ts';
import type { CapturedGap, CapturedOperation, CapturedTransaction } from '../capture/types.ts';
import type { PackedBlock } from './block-codec.ts';
import type { SealedKeys } from './key-collector.ts';
import type { CopyChange } from '../capture/copies.ts';
import type { ObjectChange } from '../schema/objects/object-change.ts';
import type { DefinitionChange } from '../schema/definition-change.ts';

/** A block on its way to the store; packing runs in the thread pool meanwhile. */
export interface SealedBlock {
  readonly block: number;
  readonly rawBytes: number;
  readonly packed: Promise<PackedBlock>;
  /** Of its tables, and the ordinals that its transactions can have, XA ones aside. */
  readonly keys: readonly SealedKeys[];
  readonly fromOrdinal: number;
  readonly toOrdinal: number;
}

export interface LoggedTransaction {
  readonly ordinal: number;
  readonly tag: number;
  readonly operationCount: number;
  /** Null when it holds no rows (DDL only, or gaps only). */
  readonly firstBlock: number | null;
  readonly lastBlock: number | null;
  /** The file that its rows lie in, when it is another than the transaction's: of an XA transaction, that of the PREPARE. */
  readonly rowsFile: string | null;
  readonly transaction: CapturedTransaction;
}

export interface LoggedGap extends Omit<CapturedGap, 'from'> {
  readonly from: Position | null;
  /** The ordinal of the transaction it happened in, or of the next one. */
  readonly ordinal: number;
  readonly fromMicros: number | null;
  readonly toMicros: number;
}

/** Where the log ends once a batch is durable. */
export interface CheckpointState {
  readonly position: Position;
  /** Null: nothing is known of the event that ends there. */
  readonly anchor: Anchor | null;
  readonly gtidSet: string | null;
  readonly nextOrdinal: number;
  readonly nextBlock: number;
  readonly commitMicros: number;
}

/** Operations of a transaction; they exist only through its row, so they may be written ahead of it. */
export interface LoggedOperations {
  readonly ordinal: number;
  readonly operations: readonly CapturedOperation[];
}

/** Takes back operations that were written ahead: of one table, or all of that transaction. */
export interface DiscardedOperations {
  readonly ordinal: number;
  readonly table: { readonly schema: string; readonly table: string } | null;
}

/** A prepared XA transaction: in the log as a whole, but not yet in its order. */
export interface PreparedTransaction {
  readonly xid: string;
  /** Stands in for the ordinal of its operations; far above any ordinal. */
  readonly parking: number;
  readonly tag: number;
  readonly operationCount: number;
  readonly firstBlock: number | null;
  readonly lastBlock: number | null;
  readonly threadId: number;
  readonly rowsFile: string;
  readonly gaps: readonly CapturedGap[];
}

/** The end of a prepared transaction: its operations move to `ordinal`, or are removed with null. */
export interface SettledTransaction {
  readonly xid: string;
  readonly parking: number;
  readonly ordinal: number | null;
}

/** What one backup transaction writes. Without a checkpoint it only lays down parts of a transaction still open. */
export interface Batch {
  readonly blocks: readonly SealedBlock[];
  readonly transactions: readonly LoggedTransaction[];
  readonly operations: readonly LoggedOperations[];
  /** After the operations of this batch. */
  readonly discarded: readonly DiscardedOperations[];
  readonly prepared: readonly PreparedTransaction[];
  readonly settled: readonly SettledTransaction[];
  readonly gaps: readonly LoggedGap[];
  readonly definitions: readonly DefinitionChange[];
  readonly objects: readonly ObjectChange[];
  readonly copies: readonly CopyChange[];
  readonly checkpoint: CheckpointState | null;
}
