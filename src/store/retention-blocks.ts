import type { Connection } from 'mysql2/promise';
import { rows, run, scalar } from '../core/mysql.ts';
import type { Ledger } from './ledger.ts';

/** Blocks deleted in one statement: some tens of megabytes. */
const BLOCKS_AT_ONCE = 32;
const INTERVALS_AT_ONCE = 5000;

/**
 * The last block of the transactions below `cut`; what is not needed up to there can go. Null: none of them had rows.
 * By ordinal, in one step of the index: an XA transaction that was committed late names an older block than its predecessors, and then the
 * blocks between wait for the next run, whose cut or `firstBlockNeeded` lies behind them.
 */
export async function lastBlockBelow(connection: Connection, ledger: Ledger, sourceId: number, cut: number): Promise<number | null> {
  const found = await scalar<string>(connection,
    `SELECT last_block FROM ${ledger.table('transactions')} WHERE source_id = ? AND ordinal < ? AND last_block IS NOT NULL ORDER BY ordinal DESC LIMIT 1`, [sourceId, cut]);
  return found === null ? null : Number(found);
}

/** A last block to sweep to when the transactions themselves are gone: everything before the first block still needed. */
export async function firstBlockNeeded(connection: Connection, ledger: Ledger, sourceId: number): Promise<number | null> {
  const bounds = await Promise.all(['transactions', 'prepared'].map((name) =>
    scalar<string>(connection, `SELECT MIN(first_block) FROM ${ledger.table(name)} WHERE source_id = ? AND first_block IS NOT NULL`, [sourceId])));
  const known = bounds.filter((bound) => bound !== null).map(Number);
  return known.length === 0 ? null : Math.min(...known);
}

/**
 * Deletes the blocks up to `last` that no transaction needs: those of purged ones, and leaks of transactions that never came
 * to be. Blocks that are being written lie behind every logged transaction; the newest block that those name may hold the begin of the
 * one that is still being read, so that `last` has to lie before it.
 * @param pace called after each deletion with the number of rows. @returns rows deleted.
 */
export async function sweepBlocks(connection: Connection, ledger: Ledger, sourceId: number, last: number, pace: (deleted: number) => Promise<void>): Promise<number> {
  let at = Number(await scalar<string>(connection, `SELECT MIN(block) FROM ${ledger.table('blocks')} WHERE source_id = ?`, [sourceId]) ?? last + 1);
  let deleted = 0;
  for await (const { first, end } of neededIntervals(connection, ledger, sourceId, last)) {
    deleted += await deleteBlocks(connection, ledger, sourceId, at, first - 1, pace);
    at = Math.max(at, end + 1);
  }
  return deleted + await deleteBlocks(connection, ledger, sourceId, at, last, pace);
}

/** What transactions and prepared XA transactions hold of the blocks up to `last`, by first block. */
async function* neededIntervals(connection: Connection, ledger: Ledger, sourceId: number, last: number): AsyncGenerator<{ first: number; end: number }> {
  const prepared = await rows<{ first_block: string; last_block: string }>(connection,
    `SELECT first_block, last_block FROM ${ledger.table('prepared')} WHERE source_id = ? AND first_block <= ? ORDER BY first_block`, [sourceId, last]);
  const waiting = prepared.map((entry) => ({ first: Number(entry.first_block), end: Number(entry.last_block) }));
  let from = -1;
  for (;;) {
    // Grouped by first block, so that a page never ends inside one of them.
    const found = await rows<{ first_block: string; last_block: string }>(connection,
      `SELECT first_block, MAX(last_block) AS last_block FROM ${ledger.table('transactions')} WHERE source_id = ? AND first_block > ? AND first_block <= ?
       GROUP BY first_block ORDER BY first_block LIMIT ${INTERVALS_AT_ONCE}`, [sourceId, from, last]);
    for (const entry of found) {
      const interval = { first: Number(entry.first_block), end: Number(entry.last_block) };
      while (waiting[0] && waiting[0].first <= interval.first) yield waiting.shift()!;
      yield interval;
      from = interval.first;
    }
    if (found.length < INTERVALS_AT_ONCE) break;
  }
  yield* waiting;
}

async function deleteBlocks(connection: Connection, ledger: Ledger, sourceId: number, from: number, to: number, pace: (deleted: number) => Promise<void>): Promise<number> {
  let deleted = 0;
  for (let at = from; at <= to; at += BLOCKS_AT_ONCE) {
    const range = [sourceId, at, Math.min(to, at + BLOCKS_AT_ONCE - 1)];
    // First, so that a purge that ends in between leaves no set without its block.
    await run(connection, `DELETE FROM ${ledger.table('block_keys')} WHERE source_id = ? AND block BETWEEN ? AND ?`, range);
    const { affectedRows } = await run(connection, `DELETE FROM ${ledger.table('blocks')} WHERE source_id = ? AND block BETWEEN ? AND ?`, range);
    deleted += affectedRows;
    await pace(affectedRows);
  }
  return deleted;
}
