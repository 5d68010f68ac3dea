import { parseRowsEvent } from '../binlog/rows-event.ts';
import { RowsFlag } from '../binlog/types.ts';
import { formatPosition } from '../core/position.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import { compileScriptWriter, singly, type ScriptWriter } from '../rollback/index.ts';
import type { LoggedRows } from '../store/log-reader.ts';
import type { Chapter } from './chapters.ts';
import { commentLines, commentText } from './comment.ts';
import { formatMicros } from './datetime.ts';
import { ddlSection } from './ddl/section.ts';
import { countOrClose } from './locked/statements.ts';
import { mergeLimits } from './merging.ts';
import { COUNT_EVENT, putBackAsEvents, RowEventWriter } from './row-events.ts';
import { historyOf, type Plan } from './plan.ts';
import { ScriptParts } from './script-parts.ts';
import type { ScriptSummary } from './script-summary.ts';
import { formatTable, type TableName } from './selection.ts';
import { readableStatement } from './statement-text.ts';
import { ScriptWriters } from './writers.ts';

/** Bytes of one piece of output. */
export const CHUNK = 256 * 1024;
const COUNT = Buffer.from('SET @n=@n+ROW_COUNT();\n');
const CHECKS_OFF = RowsFlag.NO_FOREIGN_KEY_CHECKS | RowsFlag.SQL_FOREIGN_KEYS;

interface BodyWriter extends ScriptWriter {
  /** Row events in place of statements. */
  readonly asEvents: boolean;
}

/** What stands between the head and the end of a script: statements, each counted. */
export class ScriptBody implements ScriptSummary {
  readonly out = new SqlBuffer(CHUNK * 2);
  statements = 0;
  rows = 0;
  largestStatement = 0;
  readonly #plan: Plan;
  readonly #parts: ScriptParts;
  readonly #writers: ScriptWriters<BodyWriter>;
  readonly #mark: Buffer;
  /** Tables whose first statement of the part was written. */
  readonly #marked = new Set<string>();
  /** DDL of the plan that is written. */
  #undone = 0;
  /** May hold rows that still wait for their statement. */
  #writer: BodyWriter | null = null;
  /** What the last comment is about. */
  #chapter: Chapter | null = null;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#parts = new ScriptParts(plan, this.out);
    const { guard, update } = plan.options;
    const options = { flavour: plan.range.source.flavour, form: 'script', guard, update } as const;
    this.#writers = new ScriptWriters(
      (shape, _, tableMap): BodyWriter => (putBackAsEvents(shape.definition, plan.options)
        ? { ...singly(new RowEventWriter(shape, tableMap, options)), asEvents: true }
        : named(compileScriptWriter(shape, options, mergeLimits(plan, shape.definition)))),
      (schema, table, ordinal) => historyOf(plan, schema, table, ordinal));
    // A comment that no stock client strips and no server runs: it reaches the binlog with the statement's text.
    this.#mark = Buffer.from(` /*!999999 binlog-undo:${plan.id} */`);
  }

  /** What was written since; nothing of parts that are not wanted. */
  take(): Buffer {
    if (!this.#parts.wanted) this.out.clear();
    const bytes = this.out.take();
    this.out.clear();
    return bytes;
  }

  open(chapter: Chapter): void {
    this.#finish();
    // Before the transaction's comment, which belongs to the part that follows.
    this.#inPart(() => this.#parts.turn());
    if (this.#parts.open && chapter.operations.some(({ ddl }) => ddl)) this.#inPart(() => this.#parts.end());
    this.#title(chapter);
  }

  write(chapter: Chapter, logged: LoggedRows): void {
    const { record, contents } = logged;
    const writer = this.#writers.find(chapter.transaction, logged);
    const rows = parseRowsEvent(record.type, contents.bytes, record.start, record.end);
    if (this.#parts.locked) {
      if (chapter !== this.#chapter) this.#title(chapter);
    } else {
      const checks = (rows.flags & CHECKS_OFF) === 0;
      if (writer !== this.#writer || this.#parts.checksDiffer(checks)) this.#finish();
      if (!this.#parts.open) this.#parts.begin();
      this.#parts.checkKeys(checks);
    }
    this.#writer = writer;
    writer.undo(rows, this.out, this.#counting(writer), this.#plan.conflicts.leftOut?.rowsOf(chapter.transaction.ordinal, logged.block, record.start) ?? null, () => this.#parts.room());
  }

  /** Begins a section over tables that cannot roll back; what looks at their rows goes into `out` next. */
  lock(tables: readonly TableName[]): void {
    this.#finish();
    this.#inPart(() => this.#parts.lock(tables));
  }

  /** Behind the looks; the section's rows come next. */
  looked(looks: number): void {
    this.#parts.looked(looks);
  }

  unlock(): void {
    this.#inPart(() => this.#parts.unlock());
  }

  ddl({ transaction }: Chapter, seq: number): void {
    if (!this.#plan.ddl.some(({ operation }) => operation.ordinal === transaction.ordinal && operation.seq === seq)) return;
    // In the plan's order, which for views of one statement is another one than that of its operations.
    const ddl = this.#plan.ddl[this.#undone++]!;
    this.#finish();
    for (const step of ddl.steps) {
      this.#inPart(() => this.#parts.ddl(ddl, (part) => {
        const section = ddlSection(this.#plan, ddl, step, part);
        this.largestStatement = Math.max(this.largestStatement, Buffer.byteLength(section));
        return section;
      }));
      this.statements += step.statements.length;
    }
  }

  close(): void {
    this.#finish();
    this.out.text(commentLines([`statements: ${this.statements}, the largest of ${this.largestStatement} bytes`]));
    this.#parts.close();
  }

  #title(chapter: Chapter): void {
    const { transaction, operations } = chapter;
    const thread = transaction.threadId === 0 ? '' : `, thread ${transaction.threadId}`;
    const gtid = transaction.gtid === null ? '' : `, GTID ${transaction.gtid}`;
    this.out.text(commentLines([
      `transaction ${formatPosition(transaction.start)}, committed ${formatMicros(transaction.commitMicros)}${thread}${gtid}`,
      ...operations.slice(0, 20).map((operation) => `  ${operation.opid} ${operation.type} ${operation.table === '' ? operation.schema : formatTable(operation)}: `
        + `${operation.inserted + operation.updated + operation.deleted} rows${operation.statement === null ? '' : `; ${readableStatement(operation.statement)}`}`),
      ...(operations.length > 20 ? [`  and ${operations.length - 20} more operations`] : []),
    ].map((line) => (line.startsWith('  ') ? `  ${commentText(line, 300)}` : commentText(line, 300)))));
    this.#chapter = chapter;
  }

  /** Writes the statement of rows that wait for company. */
  #finish(): void {
    const writer = this.#writer;
    this.#writer = null;
    writer?.finish(this.out, this.#counting(writer));
  }

  /** Gets each statement as it ends in `out`: into its part, marked and counted. */
  #counting(writer: BodyWriter): (start: number, end: number, rows: number) => void {
    const name = `${writer.shape.schema}\0${writer.shape.table}`;
    return (start, end, rows) => {
      if (this.#parts.full) {
        // The statement stands behind the end of the part that is full.
        const statement = this.out.take(start, end);
        this.out.length = start;
        this.#inPart(() => this.#parts.next());
        if (!this.#parts.open) this.#parts.begin();
        start = this.out.length;
        this.out.raw(statement);
        end = this.out.length;
      }
      this.#parts.rows += rows;
      this.rows += rows;
      this.statements++;
      this.largestStatement = Math.max(this.largestStatement, end - start);
      // Of a row event, the mark goes into the second statement: only that is logged. Without a transaction each statement is one of its own.
      if (this.#parts.locked || !this.#marked.has(name)) this.#insertMark(writer.asEvents ? this.out.bytes.lastIndexOf(0x0a, end - 1) : start, end, name);
      if (this.#parts.locked) this.out.text(countOrClose(this.#plan.range.source.flavour, this.#parts.rows));
      else this.out.raw(writer.asEvents ? COUNT_EVENT : COUNT);
    };
  }

  /** Each part is a transaction of its own, in which the first statement of each table is marked. */
  #inPart(act: () => void): void {
    const { part } = this.#parts;
    act();
    if (this.#parts.part !== part) this.#marked.clear();
  }

  /** Puts the mark behind the verb, for the first statement of each table. */
  #insertMark(start: number, end: number, table: string): void {
    const { out } = this;
    const verb = out.bytes.indexOf(0x20, start);
    out.reserve(this.#mark.length);
    out.bytes.copyWithin(verb + this.#mark.length, verb, end);
    out.bytes.set(this.#mark, verb);
    out.length += this.#mark.length;
    this.#marked.add(table);
  }
}

/** The writer itself, which keeps its open statement. */
function named(writer: ScriptWriter): BodyWriter {
  return { shape: writer.shape, asEvents: false, undo: (...rest) => writer.undo(...rest), finish: (...rest) => writer.finish(...rest) };
}
