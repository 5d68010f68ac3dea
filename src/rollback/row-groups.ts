import { SqlBuffer } from '../core/sql-buffer.ts';
import { isSoft, type Context } from './row-context.ts';
import type { RowPieces, UpdateCase } from './row-pieces.ts';
import { insertNames, type RowWriters } from './row-writers.ts';
import type { ColumnShape } from './shape.ts';
import { differs, type WriteRow } from './writer-code.ts';

/** Bytes of a statement over several rows at most, beside its head: far below any max_allowed_packet. */
export const GROUP_BYTES = 64 * 1024;
/** Each row that a statement finds is compared with its terms one after the other, so that more of them do not pay (measured). */
const TERMS = 100;
const INSERTED_ROWS = 500;
const QUOTE = 0x27;
const OR = Buffer.from(' OR ');

/** 'full': the rows so far have to be written first; 'alone': the row needs a statement of its own; 'none': it needs no statement. */
export type Taken = 'taken' | 'full' | 'alone' | 'none';

/** Rows that one statement will undo. A group of one row is written as the statement of a row is. */
export abstract class RowGroup {
  rows = 0;
  protected readonly context: Context;
  readonly #writeRow: WriteRow;
  readonly #most: number;
  /** The first row's own statement. */
  readonly #first = new SqlBuffer(1024);
  protected readonly scratch = new SqlBuffer(4096);

  protected constructor(context: Context, writeRow: WriteRow, most: number) {
    this.context = context;
    this.#writeRow = writeRow;
    this.#most = most;
  }

  /** As `WriteRow`. */
  writeAlone(out: SqlBuffer, b: Buffer, spans: Int32Array, at: number): boolean {
    return this.#writeRow(out, b, spans, at);
  }

  take(b: Buffer, spans: Int32Array, at: number): Taken {
    if (this.rows >= this.#most) return 'full';
    const taken = this.add(b, spans, at);
    if (taken !== 'taken') return taken;
    if (this.rows++ === 0) {
      this.#first.clear();
      this.#writeRow(this.#first, b, spans, at);
    }
    return taken;
  }

  /** Writes the statement and empties the group. */
  write(out: SqlBuffer): void {
    if (this.rows === 1) out.raw(this.#first.bytes, 0, this.#first.length);
    else this.writeAll(out);
    this.rows = 0;
    this.clear();
  }

  protected abstract add(b: Buffer, spans: Int32Array, at: number): Taken;
  protected abstract writeAll(out: SqlBuffer): void;
  protected abstract clear(): void;
}

/** Rows as a list of terms, each written by itself. */
class ListGroup extends RowGroup {
  readonly #terms = new SqlBuffer(GROUP_BYTES);
  readonly #term: WriteRow;
  readonly #head: Buffer;
  readonly #between: Buffer;

  constructor(context: Context, writeRow: WriteRow, most: number, term: WriteRow, head: string, between: string) {
    super(context, writeRow, most);
    this.#term = term;
    this.#head = Buffer.from(head);
    this.#between = Buffer.from(between);
  }

  protected override add(b: Buffer, spans: Int32Array, at: number): Taken {
    this.scratch.clear();
    if (!this.#term(this.scratch, b, spans, at)) return 'alone';
    if (this.rows > 0) {
      if (this.#terms.length + this.scratch.length > GROUP_BYTES) return 'full';
      this.#terms.raw(this.#between);
    }
    this.#terms.raw(this.scratch.bytes, 0, this.scratch.length);
    return 'taken';
  }

  protected override writeAll(out: SqlBuffer): void {
    out.raw(this.#head);
    out.raw(this.#terms.bytes, 0, this.#terms.length);
    out.byte(59);
  }

  protected override clear(): void {
    this.#terms.clear();
  }
}

/** Undoes inserts. */
export class DeleteGroup extends ListGroup {
  constructor(context: Context, { deleteRow }: RowWriters, { deleteTerm }: RowPieces) {
    super(context, deleteRow, TERMS, deleteTerm, `DELETE FROM ${context.table} WHERE `, ' OR ');
  }
}

/** Undoes deletes. */
export class InsertGroup extends ListGroup {
  constructor(context: Context, { insertRow }: RowWriters, { insertTerm }: RowPieces) {
    super(context, insertRow, INSERTED_ROWS, insertTerm, `INSERT INTO ${context.table}(${insertNames(context)}) VALUES`, ',');
  }
}

interface RestoredColumn {
  readonly column: ColumnShape;
  readonly pieces: UpdateCase;
  readonly cases: SqlBuffer;
}

/**
 * Undoes updates that restore the same columns of different rows: `SET c=CASE WHEN id=1 THEN .. END WHERE (id=1 AND ..) OR ..`. One for
 * each row of a script, it makes no arrays on the way.
 */
export class UpdateGroup extends RowGroup {
  readonly #pieces: RowPieces;
  readonly #restorable: ReadonlyMap<number, RestoredColumn>;
  /** Indexes of the columns that an update may have changed. */
  readonly #columns: readonly number[];
  readonly #terms = new SqlBuffer(GROUP_BYTES);
  readonly #keys = new Set<string>();
  /** The columns that the rows restore, in the order of `#columns`. */
  #restored: RestoredColumn[] = [];
  /** Bytes of their cases so far. */
  #caseBytes = 0;
  /** Where the term and each case of the present row end in `scratch`. */
  readonly #ends: number[] = [];

  constructor(context: Context, { updateRow }: RowWriters, pieces: RowPieces) {
    super(context, updateRow, TERMS);
    this.#pieces = pieces;
    this.#columns = context.base.map(({ index }) => index);
    this.#restorable = new Map([...pieces.updateCases].map(([index, own]) => [index, { column: context.shape.columns[index]!, pieces: own, cases: new SqlBuffer(4096) }]));
  }

  protected override add(b: Buffer, spans: Int32Array, at: number): Taken {
    if (this.rows === 0) {
      const verdict = this.#begin(b, spans, at);
      if (verdict !== 'taken') return verdict;
    } else {
      const changes = this.#compare(b, spans, at);
      if (changes !== 'same') return changes;
    }
    const key = this.#key(b, spans, at);
    if (this.#keys.has(key)) return 'full';
    const { scratch } = this;
    const ends = this.#ends;
    scratch.clear();
    this.#pieces.updateTerm(scratch, b, spans, at);
    ends[0] = scratch.length;
    for (let i = 0; i < this.#restored.length; i++) {
      const { column: { kind, index }, pieces: { when, value } } = this.#restored[i]!;
      when(scratch, b, spans, at);
      const start = scratch.length;
      value(scratch, b, spans, at);
      // Text with its character set beside it would make CASE choose one character set for all values.
      if (kind === 'text' && spans[at + 2 * index]! >= 0 && scratch.bytes[start] !== QUOTE) return 'alone';
      ends[i + 1] = scratch.length;
    }
    if (this.rows > 0 && this.#terms.length + this.#caseBytes + scratch.length > GROUP_BYTES) return 'full';
    if (this.rows > 0) this.#terms.raw(OR);
    this.#terms.raw(scratch.bytes, 0, ends[0]);
    this.#caseBytes += scratch.length - ends[0];
    for (let i = 0; i < this.#restored.length; i++) this.#restored[i]!.cases.raw(scratch.bytes, ends[i], ends[i + 1]);
    this.#keys.add(key);
    return 'taken';
  }

  protected override writeAll(out: SqlBuffer): void {
    const { context } = this;
    out.text(`UPDATE ${context.table} SET `);
    for (const [i, { column, cases }] of this.#restored.entries()) {
      const { name } = context.columns[column.index]!;
      out.text(`${i > 0 ? ', ' : ''}${name}=CASE`);
      out.raw(cases.bytes, 0, cases.length);
      out.text(isSoft(context, column) ? ` ELSE ${name} END` : ' END');
    }
    // An UPDATE would set such a column to the present time unless it names it.
    for (const { index, onUpdateNow } of context.base) {
      const { name } = context.columns[index]!;
      if (onUpdateNow && !this.#restored.some(({ column }) => column.index === index)) out.text(`, ${name}=${name}`);
    }
    out.text(' WHERE ');
    out.raw(this.#terms.bytes, 0, this.#terms.length);
    out.byte(59);
  }

  protected override clear(): void {
    this.#terms.clear();
    this.#keys.clear();
    this.#caseBytes = 0;
    for (const { cases } of this.#restored) cases.clear();
    this.#restored = [];
  }

  /** The columns that the first row restores. */
  #begin(b: Buffer, spans: Int32Array, at: number): 'taken' | 'alone' | 'none' {
    const restored: RestoredColumn[] = [];
    let changes = 0;
    for (const index of this.#columns) {
      if (!this.#changed(b, spans, at, index)) continue;
      changes++;
      const column = this.#restorable.get(index);
      if (column) restored.push(column);
    }
    if (changes === 0) return 'none';
    if (restored.length < changes) return 'alone';
    this.#restored = restored;
    return 'taken';
  }

  /** Whether a further row restores the same columns. */
  #compare(b: Buffer, spans: Int32Array, at: number): 'same' | 'full' | 'none' {
    let [changes, expected] = [0, 0];
    for (const index of this.#columns) {
      if (!this.#changed(b, spans, at, index)) continue;
      changes++;
      if (this.#restored[expected]?.column.index === index) expected++;
    }
    if (changes === 0) return 'none';
    return changes === expected && expected === this.#restored.length ? 'same' : 'full';
  }

  #changed(b: Buffer, spans: Int32Array, at: number, index: number): boolean {
    return differs(b, spans, at + 2 * index, at + 2 * (this.context.shape.columns.length + index));
  }

  #key(b: Buffer, spans: Int32Array, at: number): string {
    const { columns } = this.context.shape.key;
    const part = (index: number): string => {
      const span = at + 2 * (this.context.shape.columns.length + index);
      return b.toString('latin1', spans[span], spans[span + 1]);
    };
    return columns.length === 1 ? part(columns[0]!) : columns.map((index) => part(index).replaceAll('\0', '\0\0')).join('\0.');
  }
}
