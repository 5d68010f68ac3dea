import type { BlockContents } from '../store/block-format.ts';
import { forgetKeys, forgetTexts, replaceBlock, takeFromOperation, transactionsInBlock, type ErasedOperation, type ErasureScope, type RowCounts } from '../store/erasure.ts';
import { BlockReader, type StoredTransaction } from '../store/log-reader.ts';
import { blockWithout } from './erase-block.ts';
import { BackupRowEraser } from './erase-rows.ts';
import type { EraseScan, ScannedBlock } from './erase-scan.ts';

/** A transaction that loses rows, and those of its operations that lose rows or their text. */
export interface AffectedTransaction {
  readonly transaction: StoredTransaction;
  readonly operations: readonly ErasedOperation[];
}

/** What one operation loses in one block. */
interface Thinned {
  readonly ordinal: number;
  readonly seq: number;
  readonly counts: RowCounts;
  /** Places of the rows, counted from the operation's last one backwards. */
  readonly fromEnd: number[];
}

const nameOf = (ordinal: number, seq: number): string => `${ordinal} ${seq}`;

/**
 * Takes texts and rows out of the log and the backup tables. Texts go first: once the rows of an operation are gone, nothing
 * tells a run that goes on after an interruption whose text had to go.
 */
export class EraseRewrite {
  readonly counts = { backupRows: 0, statements: 0 };
  readonly #scope: ErasureScope;
  readonly #scan: EraseScan;
  readonly #affected: ReadonlyMap<number, AffectedTransaction>;
  readonly #backup: BackupRowEraser;
  /** Rows of each operation in the blocks that are done, as they are by now. */
  readonly #behind = new Map<string, number>();
  /** Rows that each operation has lost. */
  readonly #taken = new Map<string, number>();

  private constructor(scope: ErasureScope, scan: EraseScan, affected: ReadonlyMap<number, AffectedTransaction>, backup: BackupRowEraser) {
    this.#scope = scope;
    this.#scan = scan;
    this.#affected = affected;
    this.#backup = backup;
  }

  static async open(scope: ErasureScope, scan: EraseScan, affected: ReadonlyMap<number, AffectedTransaction>): Promise<EraseRewrite> {
    return new EraseRewrite(scope, scan, affected, await BackupRowEraser.open(scope.connection, scope.ledger, scope.sourceId));
  }

  async texts(): Promise<void> {
    for (const { transaction, operations } of this.#affected.values()) if (operations.some(({ longText }) => longText)) await this.#longTexts(transaction);
    await this.#atomically(async () => {
      for (const [ordinal, { operations }] of this.#affected) {
        await forgetTexts(this.#scope, ordinal, operations.map(({ seq }) => seq));
        await this.#backup.forgetText(operations);
        this.counts.statements += operations.length;
      }
    });
  }

  /** Newest block first: ascending ids of backup rows count from an operation's last row. */
  async rows(blocks: readonly number[], signal: AbortSignal): Promise<void> {
    const { connection, ledger, sourceId } = this.#scope;
    const reader = new BlockReader(connection, ledger, sourceId);
    for (const block of blocks.toSorted((a, b) => b - a)) {
      signal.throwIfAborted();
      const contents = await reader.read(block);
      const scanned = await this.#scan.block(block, contents);
      const thinned = this.#thin(scanned);
      if (![...scanned.matches.values()].some(({ rows }) => rows.length > 0)) continue;
      await this.#atomically(async () => {
        for (const [name, one] of thinned) await this.#operation(name, one);
        await replaceBlock(this.#scope, block, blockWithout(contents, scanned.matches, () => false));
        await forgetKeys(this.#scope, block);
      });
    }
  }

  /** A text that is longer than the ledger keeps stands as a whole in a block. */
  async #longTexts({ firstBlock, lastBlock }: StoredTransaction): Promise<void> {
    const { connection, ledger, sourceId } = this.#scope;
    const reader = new BlockReader(connection, ledger, sourceId);
    for (let block = firstBlock!; block <= lastBlock!; block++) {
      const contents = await reader.read(block);
      const isErased = await this.#erasedTexts(block, contents);
      if (!contents.statements.some(({ tag, operation }) => isErased(tag, operation))) continue;
      await this.#atomically(() => replaceBlock(this.#scope, block, blockWithout(contents, new Map(), isErased)));
    }
  }

  async #erasedTexts(block: number, contents: BlockContents): Promise<(tag: number, operation: number) => boolean> {
    const logged = contents.statements.length === 0 ? [] : await transactionsInBlock(this.#scope, block);
    const byTag = new Map(logged.map(({ tag, ordinal }) => [tag, new Set(this.#affected.get(ordinal)?.operations.map(({ seq }) => seq))]));
    return (tag, operation) => byTag.get(tag)?.has(operation) ?? false;
  }

  #thin({ byTag, matches }: ScannedBlock): Map<string, Thinned> {
    const thinned = new Map<string, Thinned>();
    for (const [record, { kind, total, rows }] of [...matches].reverse()) {
      const ordinal = byTag.get(record.tag)?.ordinal;
      if (ordinal === undefined || !this.#affected.has(ordinal)) continue;
      const name = nameOf(ordinal, record.operation);
      const behind = this.#behind.get(name) ?? 0;
      this.#behind.set(name, behind + total);
      if (rows.length === 0) continue;
      const one = thinned.get(name) ?? { ordinal, seq: record.operation, counts: { insert: 0, update: 0, delete: 0 }, fromEnd: [] };
      thinned.set(name, one);
      one.counts[kind] += rows.length;
      one.fromEnd.push(...rows.map(({ row }) => behind + total - 1 - row));
    }
    return thinned;
  }

  async #operation(name: string, { ordinal, seq, counts, fromEnd }: Thinned): Promise<void> {
    const operation = this.#affected.get(ordinal)!.operations.find((one) => one.seq === seq);
    // Rolled back: its rows are in the block only.
    if (!operation) return;
    const taken = this.#taken.get(name) ?? 0;
    this.counts.backupRows += await this.#backup.thin({ ...operation, total: operation.total - taken, fromEnd });
    await takeFromOperation(this.#scope, ordinal, seq, counts);
    this.#taken.set(name, taken + fromEnd.length);
    this.#behind.set(name, this.#behind.get(name)! - fromEnd.length);
  }

  async #atomically(work: () => Promise<void>): Promise<void> {
    const { connection } = this.#scope;
    await connection.query('START TRANSACTION');
    await work();
    await connection.query('COMMIT');
  }
}
