import { parseRowsEvent } from '../../binlog/rows-event.ts';
import type { SqlBuffer } from '../../core/sql-buffer.ts';
import { SeenRows, UndoChecker } from '../../rollback/index.ts';
import type { LoggedRows } from '../../store/log-reader.ts';
import type { Chapter } from '../chapters.ts';
import { historyOf, type Plan } from '../plan.ts';
import { ScriptWriters } from '../writers.ts';

/** Looks of one section at most, for the memory that they take while it is written: some 50 bytes for each row and key value. */
const MOST_LOOKS = 500_000;

export interface LoggedChange {
  readonly chapter: Chapter;
  readonly logged: LoggedRows;
}

/** Writes the looks of sections, one after the other: each adds to @d when it finds a row, or a key free, as the undo needs it. */
export class Looks {
  /** Of the present section. */
  count = 0;
  readonly #plan: Plan;
  readonly #out: SqlBuffer;
  readonly #seen = new SeenRows();
  readonly #checkers: ScriptWriters<UndoChecker>;
  /** The columns of each table, as its rows of the section had them. */
  readonly #layouts = new Map<string, string>();

  constructor(plan: Plan, out: SqlBuffer) {
    this.#plan = plan;
    this.#out = out;
    const { guard, update } = plan.options;
    this.#checkers = new ScriptWriters(
      (shape, then) => new UndoChecker(shape, then(), { flavour: plan.range.source.flavour, form: 'script', guard, update }, this.#seen, { counted: true }),
      (schema, table, ordinal) => historyOf(plan, schema, table, ordinal));
  }

  begin(): void {
    this.count = 0;
    this.#seen.clear();
    this.#layouts.clear();
  }

  /** Whether a change belongs to the section: rows from before an ALTER cannot be told from those behind it, so that they have a section of their own. */
  takes({ chapter, logged }: LoggedChange): boolean {
    const { table, layout } = this.#checkers.find(chapter.transaction, logged);
    return this.count < MOST_LOOKS && (this.#layouts.get(table) ?? layout) === layout;
  }

  write({ chapter, logged }: LoggedChange): void {
    const { record, contents, block } = logged;
    const checker = this.#checkers.find(chapter.transaction, logged);
    this.#layouts.set(checker.table, checker.layout);
    const rows = parseRowsEvent(record.type, contents.bytes, record.start, record.end);
    this.count += checker.check(rows, this.#out, this.#plan.conflicts.leftOut?.rowsOf(chapter.transaction.ordinal, block, record.start) ?? null);
  }
}
