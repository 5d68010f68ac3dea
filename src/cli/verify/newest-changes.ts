import { parseRowsEvent } from '../../binlog/rows-event.ts';
import { UndoError } from '../../core/errors.ts';
import { formatPosition } from '../../core/position.ts';
import { SqlBuffer } from '../../core/sql-buffer.ts';
import type { Flavour } from '../../core/server-version.ts';
import { SeenRows, UndoChecker } from '../../rollback/index.ts';
import { chaptersBackwards, type Chapter } from '../../script/chapters.ts';
import { and, onlyTables, ordinals } from '../../script/conditions.ts';
import type { ScriptContext } from '../../script/index.ts';
import { ScriptWriters } from '../../script/writers.ts';
import { BlockReader, rowsBackwards, type StoredOperation } from '../../store/log-reader.ts';
import type { LiveTables } from './live-tables.ts';

/** One look at a row of the source: SQL that gives a row when it is not as its newest change in the log left it. */
export interface Look {
  readonly schema: string;
  readonly table: string;
  readonly position: string;
  readonly opid: string;
  readonly ordinal: number;
  readonly sql: string;
}

export interface Stretch {
  readonly sourceId: number;
  readonly incarnationId: number;
  readonly flavour: Flavour;
  /** Transactions with `from <= ordinal < to`. */
  readonly from: number;
  readonly to: number;
  /** Null: all tables. */
  readonly tables: readonly { readonly schema: string; readonly table: string }[] | null;
  readonly mostOperations: number;
}

/** What was gone through so far. */
export interface Gone {
  operations: number;
  looks: number;
}

/**
 * Goes back from the newest change, and gives for each row the look at what its newest change left. Nothing newer is passed over without
 * being counted as known, so that an older change of the same row is never taken for its last one.
 */
export async function* newestChanges(context: ScriptContext, stretch: Stretch, tables: LiveTables, gone: Gone): AsyncGenerator<Look> {
  const { sourceId, flavour } = stretch;
  const seen = new SeenRows();
  const checkers = new ScriptWriters(
    (shape, then) => new UndoChecker(shape, then(), { flavour, form: 'script', guard: 'row', update: 'changed' }, seen, { certainKeys: true }), (schema, table) => tables.history(schema, table));
  const blocks = new BlockReader(context.connection, context.ledger, sourceId);
  const out = new SqlBuffer(64 * 1024);
  for await (const { transaction, operations } of newestChapters(context, stretch)) {
    // Positions and definitions mean one life of the binlog.
    if (transaction.incarnationId !== stretch.incarnationId) return;
    const wanted = await wantedOf({ transaction, operations }, tables, stretch.mostOperations - gone.operations);
    for await (const logged of rowsBackwards(blocks, transaction)) {
      const { record, contents } = logged;
      const operation = wanted.get(record.operation);
      if (!operation || !tables.isOpen(operation.schema, operation.table)) continue;
      const { schema, table, opid } = operation;
      const places: (readonly [number, number])[] = [];
      out.clear();
      try {
        const rows = parseRowsEvent(record.type, contents.bytes, record.start, record.end);
        gone.looks += checkers.find(transaction, logged).check(rows, out, null, (start, end) => places.push([start, end]));
      } catch (error) {
        if (!(error instanceof UndoError)) throw error;
        tables.close(schema, table, error.message);
        continue;
      }
      for (const [start, end] of places) yield { schema, table, opid, ordinal: transaction.ordinal, position: formatPosition(transaction.start), sql: out.take(start, end).toString() };
    }
    gone.operations += wanted.size;
    if (gone.operations >= stretch.mostOperations) return;
    context.signal?.throwIfAborted();
  }
}

/** In steps: ordinals are gapless, so that a server is never tempted to sort all of the log for its end. */
async function* newestChapters({ connection, ledger }: ScriptContext, { sourceId, from, to, tables }: Stretch): AsyncGenerator<Chapter> {
  for (let end = to; end > from; end -= STEP) {
    yield* chaptersBackwards(connection, ledger, sourceId, and(ordinals(sourceId, Math.max(from, end - STEP), end), ...(tables === null ? [] : [onlyTables(tables)])));
  }
}

const STEP = 100;

async function wantedOf({ operations }: Chapter, tables: LiveTables, most: number): Promise<ReadonlyMap<number, StoredOperation>> {
  const wanted = new Map<number, StoredOperation>();
  // DDL first: what rows of the same transaction came before it is not told apart.
  for (const operation of [...operations].sort((a, b) => Number(b.ddl) - Number(a.ddl))) {
    if (wanted.size < most && await tables.takes(operation)) wanted.set(operation.seq, operation);
  }
  return wanted;
}
