import { setTimeout as delay } from 'node:timers/promises';
import { UndoError } from '../core/errors.ts';
import { blocksOfTable, cancelStalled, noteErasures, preparedWith, scriptsBeingWritten, sharingText, type ErasureScope } from '../store/erasure.ts';
import { BlockReader, type StoredTransaction } from '../store/log-reader.ts';
import { endOfLog, slowestConsumer } from '../store/retention-cut.ts';
import { aloneWithHistory } from '../store/retention-lock.ts';
import type { KeyValue } from './erase-match.ts';
import { EraseRewrite, type AffectedTransaction } from './erase-rewrite.ts';
import { EraseScan, type ScannedBlock } from './erase-scan.ts';

export interface EraseOrder {
  /** All of them together tell the rows. */
  readonly key: readonly KeyValue[];
  /** Who asks, and why: stands in the gaps, and must not name the key. */
  readonly detail: string;
  readonly dryRun: boolean;
  /** Seconds to wait for consumers of the log and for scripts that are being written. */
  readonly wait: number;
  readonly signal: AbortSignal;
}

export interface EraseReport {
  readonly dryRun: boolean;
  readonly transactions: number;
  readonly operations: number;
  /** Row changes, each with its images. */
  readonly rows: number;
  readonly blocks: number;
  readonly backupRows: number;
  /** Operations whose SQL text went. */
  readonly statements: number;
}

const POLL_MS = 100;

/**
 * Erases the row images of one key from the log: from blocks, key sets, statement texts and goInception's tables. First the
 * gaps are durable, so that scripts know; then one backup transaction for each block, so that it can be stopped at any moment
 * and run again. What commits on the source after it has begun is not touched.
 * @throws UndoError ERASE_HELD, ERASE_UNREADABLE, PURGE_RUNNING
 */
export function eraseRows(scope: ErasureScope, order: EraseOrder): Promise<EraseReport> {
  return aloneWithHistory(scope.connection, scope.ledger, scope.sourceId, () => new Erasure(scope, order).run());
}

class Erasure {
  readonly #scope: ErasureScope;
  readonly #order: EraseOrder;
  /** Transactions that lose rows, and which of their operations do. */
  readonly #found = new Map<number, { readonly transaction: StoredTransaction; readonly seqs: Set<number> }>();
  readonly #blocks = new Set<number>();
  #rows = 0;

  constructor(scope: ErasureScope, order: EraseOrder) {
    this.#scope = scope;
    this.#order = order;
  }

  async run(): Promise<EraseReport> {
    const { connection, ledger, sourceId, schema, table } = this.#scope;
    const end = await endOfLog(connection, ledger, sourceId);
    await this.#consumersPassed(end);
    // It notes the last block of what has committed: what is prepared after that lies behind it.
    const scan = await EraseScan.open(this.#scope, this.#order.key, end);
    const [xid] = await preparedWith(this.#scope);
    if (xid !== undefined) throw new UndoError('ERASE_HELD', `The XA transaction ${xid} has changed the table and is prepared: it is not in the log yet.`);
    const ofTable = await blocksOfTable(this.#scope);
    const reader = new BlockReader(connection, ledger, sourceId);
    for (const block of ofTable) {
      this.#order.signal.throwIfAborted();
      this.#note(block, await scan.block(block, await reader.read(block)));
    }
    const { unread } = scan.matcher;
    if (unread.size > 0) throw new UndoError('ERASE_UNREADABLE', `Some rows of ${schema}.${table} cannot be read (${[...unread].join('; ')}): they may be of that key.`);
    const counts = this.#order.dryRun || this.#blocks.size === 0 ? { backupRows: 0, statements: 0 } : await this.#erase(scan, ofTable);
    return {
      dryRun: this.#order.dryRun, transactions: this.#found.size, operations: [...this.#found.values()].reduce((sum, { seqs }) => sum + seqs.size, 0),
      rows: this.#rows, blocks: this.#blocks.size, ...counts,
    };
  }

  #note(block: number, { byTag, matches }: ScannedBlock): void {
    for (const [record, { rows }] of matches) {
      if (rows.length === 0) continue;
      this.#blocks.add(block);
      this.#rows += rows.length;
      const transaction = byTag.get(record.tag);
      if (!transaction) continue;
      const known = this.#found.get(transaction.ordinal) ?? { transaction, seqs: new Set<number>() };
      this.#found.set(transaction.ordinal, known);
      known.seqs.add(record.operation);
    }
  }

  /** What a consumer has not delivered it may have in memory. */
  async #consumersPassed(end: number): Promise<void> {
    const { connection, ledger, sourceId } = this.#scope;
    await this.#until(async () => {
      const slowest = await slowestConsumer(connection, ledger, sourceId);
      return slowest === null || slowest.ordinal >= end ? null : `${slowest.consumer} has delivered up to transaction ${slowest.ordinal - 1} of ${end - 1}`;
    });
  }

  /** @param holding what there is to wait for; null: nothing any more. */
  async #until(holding: () => Promise<string | null>): Promise<void> {
    const deadline = performance.now() + this.#order.wait * 1000;
    for (;;) {
      const held = await holding();
      if (held === null) return;
      if (performance.now() >= deadline) throw new UndoError('ERASE_HELD', `Erasing has to wait: ${held}.`);
      await delay(POLL_MS, undefined, { signal: this.#order.signal });
    }
  }

  async #erase(scan: EraseScan, ofTable: readonly number[]): Promise<EraseRewrite['counts']> {
    await noteErasures(this.#scope, [...this.#found.values()].map(({ transaction }) => transaction), this.#order.detail);
    // Those that were planned before the gaps stood there do not know of them.
    const before = new Set(await scriptsBeingWritten(this.#scope));
    await this.#until(async () => {
      const id = (await scriptsBeingWritten(this.#scope)).find((one) => before.has(one));
      return id === undefined ? null : `script ${id} is being written`;
    });
    await cancelStalled(this.#scope);
    const affected = new Map<number, AffectedTransaction>();
    const blocks = new Set(this.#blocks);
    for (const [ordinal, { transaction, seqs }] of this.#found) {
      affected.set(ordinal, { transaction, operations: await sharingText(this.#scope, ordinal, [...seqs]) });
      for (let block = transaction.firstBlock!; block <= transaction.lastBlock!; block++) blocks.add(block);
    }
    const rewrite = await EraseRewrite.open(this.#scope, scan, affected);
    await rewrite.texts();
    await rewrite.rows(ofTable.filter((block) => blocks.has(block)), this.#order.signal);
    return rewrite.counts;
  }
}
