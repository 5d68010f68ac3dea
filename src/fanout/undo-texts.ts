import { UndoError } from '../core/errors.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import type { RowsEvent } from '../binlog/types.ts';
import { compileWriter, type TableShape, type UndoWriter } from '../rollback/index.ts';

/** A longer statement is left out: it would double a record that is large already. `binlog-undo script --opid` gives it. */
const MOST_BYTES = 64 * 1024;
const START_BYTES = 4096;

/** The rollback statement of each row of an event, as the goInception tables have it. */
export class UndoTexts {
  readonly #writer: UndoWriter;
  #sql = new SqlBuffer(START_BYTES);

  constructor(shape: TableShape, flavour: 'mysql' | 'mariadb') {
    this.#writer = compileWriter(shape, { flavour, form: 'backup', update: 'changed', guard: 'none' });
  }

  /**
   * @param silent rows that changed nothing and so have no statement, in order: true for each of them.
   * @returns one for each row; null where there is none, or none that can be told.
   */
  of(rows: RowsEvent, silent: readonly boolean[]): (string | null)[] {
    const none = silent.map(() => null);
    const backwards: (string | null)[] = [];
    this.#sql.clear();
    try {
      this.#writer.undo(rows, this.#sql, (start, end) => {
        backwards.push(end - start > MOST_BYTES ? null : this.#sql.bytes.toString('utf8', start, end));
        this.#sql.clear();
      });
    } catch (error) {
      // The images lack what an undo needs; the record tells what they hold.
      if (error instanceof UndoError && error.code === 'NOT_UNDOABLE') return none;
      throw error;
    } finally {
      // There is one of these for each shape of a table: none keeps the room of its largest row.
      if (this.#sql.bytes.length > 4 * MOST_BYTES) this.#sql = new SqlBuffer(START_BYTES);
    }
    // Which statement is whose must be certain.
    if (backwards.length !== silent.filter((one) => !one).length) return none;
    return silent.map((one) => (one ? null : backwards.pop() ?? null));
  }
}
