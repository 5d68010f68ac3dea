import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { quoteTable } from '../core/identifiers.ts';
import { row, rows, run, scalar } from '../core/mysql.ts';
import { fileNumber } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import { firstOpenBlock } from '../store/newest-block.ts';
import { firstBlockNeeded, lastBlockBelow, sweepBlocks } from '../store/retention-blocks.ts';
import {
  bytesHeld, endOfLog, nextInLog, ordinalAtTime, ordinalForBytes, skipConsumers, slowestConsumer, type HeldBack,
} from '../store/retention-cut.ts';
import { aloneWithHistory } from '../store/retention-lock.ts';
import { adoptScope, EVERYTHING, forgetPurgePoint, raisePurgePoint, readPurgePoints, type PurgePoint } from '../store/retention-points.ts';
import { passOverEverything, passOverScope, type PassContext, type ScopeCut } from './retention-pass.ts';
import { BackupRowRemover } from './retention-rows.ts';

export interface RetentionOrder {
  /** Days that history is kept; null: for ever. */
  readonly days: number | null;
  readonly overrides: readonly { readonly schema: string; readonly table: string; readonly days: number }[];
  readonly maxBytes: number | null;
  /** Instead of `days`: keep what committed at this time or later; microseconds. */
  readonly beforeMicros?: number | null;
  /** Instead of `days`: keep this transaction and what follows. */
  readonly beforeOrdinal?: number | null;
  /** Do not wait for consumers that have not delivered it yet. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** Give freed space back to the file system: rebuild every table with room inside. */
  readonly optimize?: boolean;
  /** Rebuild a table once at least so many bytes, and half of its file, are free; null: never. */
  readonly shrinkAbove: number | null;
}

export interface RetentionContext {
  /** Owned by the run: READ COMMITTED, nothing else on them. The second one shares the removal of backup rows, which is most of the work. */
  readonly connection: Connection;
  readonly second: Connection;
  readonly ledger: Ledger;
  readonly sourceId: number;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Share of the time that the run rests for now, 0 to 1, so that capture and projection come first. */
  readonly rest: () => number;
  readonly onProgress?: (done: RetentionReport) => void;
}

export interface RetentionReport {
  readonly dryRun: boolean;
  /** The first ordinal kept; null: nothing is or was purged. */
  readonly keptFrom: number | null;
  /** Where and when that is: the end of the last transaction given up. */
  readonly point: PurgePoint | null;
  /** The consumer that holds the cut back, if one does. */
  readonly heldBack: HeldBack | null;
  readonly transactions: number;
  readonly operations: number;
  /** Rows removed from goInception's tables; in a dry run the number of row changes. */
  readonly rows: number;
  readonly blocks: number;
  /** Room inside the tables that were rebuilt, about what the file system has got back. */
  readonly bytesFreed: number;
  /** Bytes held before, where a cap asked for them. */
  readonly bytesHeld: number | null;
}

const DAY_MICROS = 86_400_000_000;
const MOST_SETTLING_SECONDS = 20;
/** A run that rests so much of its time has one connection at work only. */
const ALONE_FROM = 0.5;
/** Room that a rebuild on request is worth. */
const OPTIMIZE_BYTES = 4 * 1024 * 1024;

/**
 * Removes history as told: for every scope the point is made durable first, so that scripts refuse what is going; then
 * information rows, backup rows, operations and transactions go in small transactions, and last the blocks that nothing
 * needs. Stopped at any moment it is taken up again by the next run.
 * @throws UndoError PURGE_RUNNING when another run is at it.
 */
export async function applyRetention(context: RetentionContext, order: RetentionOrder): Promise<RetentionReport> {
  const { connection, ledger, sourceId } = context;
  return aloneWithHistory(connection, ledger, sourceId, () => new Retention(context, order).run());
}

class Retention {
  readonly #context: RetentionContext;
  readonly #order: RetentionOrder;
  readonly #counts = { transactions: 0, operations: 0, rows: 0, blocks: 0, bytesFreed: 0 };
  #heldBack: HeldBack | null = null;
  #bytes: number | null = null;
  #keptFrom: number | null = null;
  #point: PurgePoint | null = null;
  #busySince = performance.now();

  constructor(context: RetentionContext, order: RetentionOrder) {
    this.#context = context;
    this.#order = order;
  }

  async run(): Promise<RetentionReport> {
    const { connection, second, ledger, sourceId, rest } = this.#context;
    const cuts = await this.#cuts();
    const general = cuts.find(({ schema }) => schema === '')!.cut;
    const points = await readPurgePoints(connection, ledger, sourceId);
    if (this.#order.dryRun === true) return this.#foresee(cuts, points);
    for (const scope of cuts) await adoptScope(connection, ledger, sourceId, scope, points);
    if (this.#order.force === true) await skipConsumers(connection, ledger, sourceId, Math.max(...cuts.map(({ cut }) => cut)));
    const lastBlock = await lastBlockBelow(connection, ledger, sourceId, general);
    const open = await firstOpenBlock(connection, ledger, sourceId);
    const remover = await BackupRowRemover.open({
      connection,
      lanes: () => (rest() >= ALONE_FROM ? [connection] : [connection, second]),
      pace: (deleted) => {
        this.#counts.rows += deleted;
        return this.#pace();
      },
    }, ledger, sourceId);
    const pass: PassContext = {
      connection, ledger, sourceId, remover, cuts, signal: this.#context.signal,
      onOperations: (operations, transactions) => {
        this.#counts.operations += operations;
        this.#counts.transactions += transactions;
        return this.#pace();
      },
    };
    await this.#everything(pass, general, points, cuts);
    for (const scope of cuts) if (scope.schema !== '') await this.#scope(pass, scope, general);
    await this.#rest(lastBlock, open);
    await this.#shrink(remover);
    return this.#report();
  }

  async #everything(pass: PassContext, general: number, points: readonly PurgePoint[], cuts: readonly ScopeCut[]): Promise<void> {
    const { connection, ledger, sourceId } = this.#context;
    const point = await raisePurgePoint(connection, ledger, sourceId, EVERYTHING, general);
    if (point.ordinal === 0) return;
    this.#point = point;
    this.#keptFrom = point.ordinal;
    // A scope that has lost its override may have kept more than is kept now.
    const dropped = points.filter((point) => point.schema !== '' && !cuts.some(({ schema, table }) => schema === point.schema && table === point.table));
    const from = Math.min(point.swept, ...dropped.map(({ swept }) => swept));
    const first = await nextInLog(connection, ledger, sourceId, from, general);
    await passOverEverything(pass, first, general);
    if (this.#context.signal.aborted) return;
    for (const scope of dropped) if (scope.ordinal <= general) await forgetPurgePoint(connection, ledger, sourceId, scope);
  }

  async #scope(pass: PassContext, scope: ScopeCut, general: number): Promise<void> {
    const { connection, ledger, sourceId } = this.#context;
    const { swept } = await raisePurgePoint(connection, ledger, sourceId, scope, scope.cut);
    if (swept < scope.cut) await passOverScope(pass, scope, swept, general);
  }

  async #cuts(): Promise<ScopeCut[]> {
    const { connection, ledger, sourceId, now } = this.#context;
    const { days, maxBytes, beforeMicros, beforeOrdinal, overrides, force } = this.#order;
    const atDays = (count: number): Promise<number> => ordinalAtTime(connection, ledger, sourceId, now * 1000 - count * DAY_MICROS);
    let general = beforeOrdinal ?? (beforeMicros ? await ordinalAtTime(connection, ledger, sourceId, beforeMicros) : days === null ? 1 : await atDays(days));
    if (maxBytes !== null) {
      this.#bytes = await bytesHeld(connection, ledger, sourceId);
      general = Math.max(general, await ordinalForBytes(connection, ledger, sourceId, this.#bytes, maxBytes));
    }
    const cuts: ScopeCut[] = [{ ...EVERYTHING, cut: general }];
    for (const { schema, table, days: count } of overrides) cuts.push({ schema, table, cut: await atDays(count) });
    const end = await endOfLog(connection, ledger, sourceId);
    const slowest = force === true ? null : await slowestConsumer(connection, ledger, sourceId);
    const most = Math.min(end, slowest?.ordinal ?? end);
    if (slowest && cuts.some(({ cut }) => cut > slowest.ordinal)) this.#heldBack = slowest;
    return cuts.map((scope) => ({ ...scope, cut: Math.min(scope.cut, most) }));
  }

  async #foresee(cuts: readonly ScopeCut[], points: readonly PurgePoint[]): Promise<RetentionReport> {
    const { connection, ledger, sourceId } = this.#context;
    for (const { schema, table, cut } of cuts) {
      const from = points.find((point) => point.schema === schema && point.table === table)?.swept ?? 0;
      const others = cuts.filter((other) => other.schema !== '' && (schema === '' || (table === '' && other.schema === schema && other.table !== '')));
      const scope = (schema === '' ? '' : ' AND schema_name = ?') + (table === '' ? '' : ' AND table_name = ?')
        + others.map((other) => (other.table === '' ? ' AND schema_name <> ?' : ' AND NOT (schema_name = ? AND table_name = ?)')).join('');
      const names = [schema, table, ...others.flatMap((other) => [other.schema, other.table])].filter((name) => name !== '');
      const found = await row<Record<string, string | number | null>>(connection,
        `SELECT COUNT(*) AS operations, COUNT(DISTINCT ordinal) AS transactions, SUM(inserted + updated + deleted) AS changed
         FROM ${ledger.table('operations')} WHERE source_id = ? AND ordinal >= ? AND ordinal < ? AND state <> 'purged'${scope}`, [sourceId, from, cut, ...names]);
      this.#counts.operations += Number(found?.operations ?? 0);
      this.#counts.transactions += schema === '' ? Number(found?.transactions ?? 0) : 0;
      this.#counts.rows += Number(found?.changed ?? 0);
      if (schema === '') this.#keptFrom = cut > 1 ? cut : null;
    }
    const last = await lastBlockBelow(connection, ledger, sourceId, cuts[0]!.cut);
    if (last !== null) {
      const open = await firstOpenBlock(connection, ledger, sourceId);
      this.#counts.blocks = Number(await scalar(connection, `SELECT COUNT(DISTINCT block) FROM ${ledger.table('blocks')} WHERE source_id = ? AND block <= ?`, [sourceId, Math.min(last, open - 1)]));
    }
    return this.#report();
  }

  /** Blocks, and what else is only kept for the sake of transactions. */
  async #rest(lastBlock: number | null, open: number): Promise<void> {
    const { connection, ledger, sourceId, signal } = this.#context;
    if (signal.aborted || !this.#point) return;
    const needed = await firstBlockNeeded(connection, ledger, sourceId);
    const last = Math.min(Math.max(lastBlock ?? 0, needed === null ? 0 : needed - 1), open - 1);
    await sweepBlocks(connection, ledger, sourceId, last, (deleted) => {
      this.#counts.blocks += deleted;
      return this.#pace();
    });
    const { incarnationId, position, ordinal } = this.#point;
    const number = fileNumber(position.file);
    // Definitions of scopes with a retention of their own may be needed longer.
    for (const history of ['definitions', 'objects']) await run(connection,
      `DELETE FROM ${ledger.table(history)} WHERE source_id = ? AND incarnation_id = ? AND until_number IS NOT NULL
       AND (until_number < ? OR (until_number = ? AND until_offset <= ?)) AND schema_name NOT IN
       (SELECT schema_name FROM ${ledger.table('purges')} WHERE source_id = ?)`, [sourceId, incarnationId, number, number, position.offset, sourceId]);
    await this.#forgetThreads(ordinal);
  }

  /** Threads last seen in what is gone. */
  async #forgetThreads(before: number): Promise<void> {
    const { connection, ledger, sourceId, signal } = this.#context;
    for (let at = -1; !signal.aborted;) {
      const page = await rows<{ thread_id: string }>(connection,
        `SELECT DISTINCT thread_id FROM ${ledger.table('threads')} WHERE source_id = ? AND thread_id > ? ORDER BY thread_id LIMIT 1000`, [sourceId, at]);
      if (page.length === 0) return;
      at = Number(page.at(-1)!.thread_id);
      const ids = page.map(({ thread_id: id }) => Number(id));
      await run(connection,
        `DELETE FROM ${ledger.table('threads')} WHERE source_id = ? AND since_ordinal < ? AND thread_id IN (${ids.map(() => '?').join(', ')}) AND NOT EXISTS
         (SELECT 1 FROM ${ledger.table('transactions')} t WHERE t.source_id = ? AND t.thread_id = ${ledger.table('threads')}.thread_id)`,
        [sourceId, before, ...ids, sourceId]);
      await this.#pace();
    }
  }

  /** Rebuilds tables with room inside: it needs as much free space as the table keeps, and waits for nobody longer than a moment. */
  async #shrink(remover: BackupRowRemover): Promise<void> {
    const { connection, ledger, signal } = this.#context;
    const { optimize, shrinkAbove } = this.#order;
    const free = optimize === true ? `data_free >= ${OPTIMIZE_BYTES}`
      : shrinkAbove === null ? null : `data_free >= ${shrinkAbove} AND data_free >= data_length + index_length`;
    if (free === null) return;
    const databases = [ledger.name, ...remover.databases];
    // MySQL shows statistics of a day ago unless told otherwise; MariaDB has no such setting.
    await connection.query('SET SESSION information_schema_stats_expiry = 0').catch(() => undefined);
    const tables = `FROM information_schema.tables WHERE engine = 'InnoDB' AND table_schema IN (${databases.map(() => '?').join(', ')})`;
    if (this.#counts.rows + this.#counts.blocks > 0) {
      const least = optimize === true ? OPTIMIZE_BYTES : shrinkAbove;
      const large = await row(connection, `SELECT 1 ${tables} AND data_length + index_length + data_free >= ${least} LIMIT 1`, databases);
      if (large) await this.#roomSettles(databases);
    }
    const found = await rows<{ schema_name: string; table_name: string; bytes: string }>(connection,
      `SELECT table_schema AS schema_name, table_name AS table_name, data_free AS bytes ${tables} AND ${free}`, databases);
    await connection.query('SET SESSION lock_wait_timeout = 2');
    for (const { schema_name: schema, table_name: table, bytes } of found) {
      if (signal.aborted) return;
      await connection.query(`OPTIMIZE LOCAL TABLE ${quoteTable(schema, table)}`);
      this.#counts.bytesFreed += Number(bytes);
    }
  }

  /** The server frees the pages of deleted rows in the background: waits, not for long, until it has done so. */
  async #roomSettles(databases: readonly string[]): Promise<void> {
    const { connection, signal } = this.#context;
    for (let seconds = 0, last = -1; seconds < MOST_SETTLING_SECONDS && !signal.aborted; seconds++) {
      const free = Number(await scalar<string>(connection, `SELECT SUM(data_free) FROM information_schema.tables WHERE table_schema IN (${databases.map(() => '?').join(', ')})`, databases));
      if (free === last) return;
      last = free;
      await sleep(1000, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Tells how far it is, and rests so that others come first. */
  async #pace(): Promise<void> {
    this.#context.onProgress?.(this.#report());
    const { signal } = this.#context;
    const rest = this.#context.rest();
    const busy = performance.now() - this.#busySince;
    if (rest > 0 && busy >= 20) {
      await sleep(Math.min(2000, (busy * rest) / (1 - rest)), undefined, { signal }).catch(() => undefined);
      this.#busySince = performance.now();
    }
  }

  #report(): RetentionReport {
    return {
      dryRun: this.#order.dryRun === true, keptFrom: this.#keptFrom, point: this.#point, heldBack: this.#heldBack, bytesHeld: this.#bytes, ...this.#counts,
    };
  }
}
