import type { RowsEvent } from '../binlog/types.ts';
import type { SqlBuffer } from '../core/sql-buffer.ts';
import { mergeable, type Mergeable, type MergeLimits } from './mergeable.ts';
import type { RenderOptions } from './options.ts';
import { contextOf } from './row-context.ts';
import { DeleteGroup, InsertGroup, UpdateGroup, type RowGroup } from './row-groups.ts';
import { RowLocator } from './row-locator.ts';
import { compileRowPieces } from './row-pieces.ts';
import { compileRowWriters } from './row-writers.ts';
import type { TableShape } from './shape.ts';
import { compileWriter, type UndoWriter } from './writer.ts';

/** Gets a finished statement's place in `out` and the number of rows that it undoes; it may clear `out`. */
export type OnStatement = (start: number, end: number, rows: number) => void;

/** Writes rollback statements of which one may undo several rows. */
export interface ScriptWriter {
  readonly shape: TableShape;
  /**
   * As `UndoWriter.undo`; a statement may stay open for rows that follow, so that `finish` has to be called before anything else is written.
   * @param room rows that the next statement may undo at most.
   */
  undo(rows: RowsEvent, out: SqlBuffer, onStatement: OnStatement, leftOut: ReadonlySet<number> | null, room: () => number): void;
  finish(out: SqlBuffer, onStatement: OnStatement): void;
}

/** @param limits null: one statement for each row. */
export function compileScriptWriter(shape: TableShape, options: RenderOptions, limits: MergeLimits | null): ScriptWriter {
  const merges = limits && mergeable(shape, options, limits);
  return merges && (merges.inserts || merges.deletes) ? new MergingWriter(shape, options, merges) : singly(compileWriter(shape, options));
}

/** A writer of one statement for each row. */
export function singly(writer: Pick<UndoWriter, 'shape' | 'undo'>): ScriptWriter {
  return {
    shape: writer.shape,
    undo: (rows, out, onStatement, leftOut) => { writer.undo(rows, out, (start, end) => onStatement(start, end, 1), leftOut); },
    finish: () => undefined,
  };
}

class MergingWriter implements ScriptWriter {
  readonly shape: TableShape;
  readonly #locator: RowLocator;
  readonly #alone: ScriptWriter;
  readonly #groups: Readonly<Record<RowsEvent['kind'], RowGroup | null>>;
  /** The group with rows in it, if any. */
  #open: RowGroup | null = null;

  constructor(shape: TableShape, options: RenderOptions, merges: Mergeable) {
    this.shape = shape;
    this.#locator = new RowLocator(shape);
    const context = contextOf(shape, options, 'full');
    const single = compileRowWriters(shape, options, 'full');
    this.#alone = singly(compileWriter(shape, options));
    const pieces = compileRowPieces(context, merges.restored);
    this.#groups = {
      insert: merges.deletes ? new DeleteGroup(context, single, pieces) : null,
      delete: merges.inserts ? new InsertGroup(context, single, pieces) : null,
      update: merges.restored.length > 0 ? new UpdateGroup(context, single, pieces) : null,
    };
  }

  undo(rows: RowsEvent, out: SqlBuffer, onStatement: OnStatement, leftOut: ReadonlySet<number> | null, room: () => number): void {
    const group = this.#groups[rows.kind];
    const located = group === null ? null : this.#locator.locate(rows);
    if (group === null || located === null || located.sparse) {
      this.finish(out, onStatement);
      this.#alone.undo(rows, out, onStatement, leftOut, room);
      return;
    }
    if (this.#open !== group) this.finish(out, onStatement);
    const { count, spans, width } = located;
    for (let row = count - 1; row >= 0; row--) {
      if (leftOut?.has(row) === true) continue;
      if (group.rows >= room()) this.finish(out, onStatement);
      let taken = group.take(rows.buffer, spans, row * width);
      if (taken === 'full') {
        this.finish(out, onStatement);
        taken = group.take(rows.buffer, spans, row * width);
      }
      if (taken === 'taken') this.#open = group;
      if (taken !== 'alone') continue;
      this.finish(out, onStatement);
      const start = out.length;
      if (group.writeAlone(out, rows.buffer, spans, row * width)) onStatement(start, out.length, 1);
    }
    this.#locator.release();
  }

  finish(out: SqlBuffer, onStatement: OnStatement): void {
    const group = this.#open;
    this.#open = null;
    if (group === null || group.rows === 0) return;
    const start = out.length;
    const { rows } = group;
    group.write(out);
    onStatement(start, out.length, rows);
  }
}
