import { parseRowsEvent } from '../binlog/rows-event.ts';
import { RowsFlag } from '../binlog/types.ts';
import { SqlBuffer } from '../core/sql-buffer.ts';
import { formatPosition } from '../core/position.ts';
import { compileWriter, type UndoWriter } from '../rollback/index.ts';
import { ROLLBACK_SQL_MODE } from '../rollback/session.ts';
import { BlockReader, rowsBackwards, type LoggedRows } from '../store/log-reader.ts';
import { chaptersBackwards, type Chapter } from './chapters.ts';
import { commentLines, commentText } from './comment.ts';
import type { ScriptContext } from './context.ts';
import { formatMicros } from './datetime.ts';
import type { LeftOut } from './conflicts/analyse.ts';
import type { ForeignKey } from './foreign-keys.ts';
import { concerns } from './ddl/records.ts';
import { ddlSection } from './ddl/section.ts';
import { conditionalCommit, conditionalPartCommit, noSuchPart, onceNote, releaseLocks, sectionNote } from './guards.ts';
import { headComments, inSections, preamble } from './head.ts';
import { COUNT_EVENT, putBackAsEvents, RowEventWriter } from './row-events.ts';
import { historyOf, type Plan } from './plan.ts';
import { formatTable } from './selection.ts';
import { readableStatement } from './statement-text.ts';
import { ScriptWriters } from './writers.ts';

/** Bytes of one piece of output. */
const CHUNK = 256 * 1024;
const COUNT = Buffer.from('SET @n=@n+ROW_COUNT();\n');
const CHECKS_OFF = RowsFlag.NO_FOREIGN_KEY_CHECKS | RowsFlag.SQL_FOREIGN_KEYS;

/** What a finished script turned out to hold. */
export interface ScriptSummary {
  readonly statements: number;
  /** Bytes of the largest statement. */
  readonly largestStatement: number;
}

/**
 * The script's bytes, in pieces, as fast as they are taken: transactions in reverse commit order, their rows events in
 * reverse, one block of row images in memory at a time. The COMMIT comes last: a script cut short cannot be committed.
 * @param watch gets the counts, which grow while the pieces are taken.
 * @throws UndoError in the middle when rows cannot be rendered: the consumer must not end the output as if it were whole.
 */
export async function* renderScript(context: ScriptContext, plan: Plan, watch: (counts: ScriptSummary) => void = () => undefined): AsyncGenerator<Buffer, ScriptSummary> {
  yield Buffer.from(headComments(plan, context.version));
  if (plan.totals.operations === 0) return { statements: 0, largestStatement: 0 };
  yield Buffer.from(preamble(plan));
  const body = new ScriptBody(plan);
  watch(body);
  const { connection, ledger } = context;
  const { source } = plan.range;
  const blocks = new BlockReader(connection, ledger, source.id);
  for await (const chapter of chaptersBackwards(connection, ledger, source.id, plan.where)) {
    body.open(chapter);
    const wanted = new Set(chapter.operations.map(({ seq }) => seq));
    // DDL may stand in one transaction with rows: those of CREATE TABLE .. SELECT come behind it.
    const ddl = chapter.operations.filter((operation) => operation.ddl).map(({ seq }) => seq);
    if (wanted.size > ddl.length) {
      for await (const logged of rowsBackwards(blocks, chapter.transaction)) {
        const { operation } = logged.record;
        while (ddl.length > 0 && ddl[0]! > operation) body.ddl(chapter, ddl.shift()!);
        if (!wanted.has(operation)) continue;
        body.rows(chapter, logged);
        if (body.out.length >= CHUNK) yield body.take();
      }
    }
    for (const seq of ddl) body.ddl(chapter, seq);
    context.signal?.throwIfAborted();
    if (body.out.length >= CHUNK) yield body.take();
  }
  body.close();
  yield body.take();
  return body;
}

class ScriptBody implements ScriptSummary {
  readonly out = new SqlBuffer(CHUNK * 2);
  statements = 0;
  largestStatement = 0;
  readonly #writers: ScriptWriters<Pick<UndoWriter, 'shape' | 'undo'>>;
  readonly #release: string;
  readonly #mark: Buffer;
  readonly #marked = new Set<string>();
  #foreignKeys: readonly ForeignKey[];
  readonly #parts: Plan['options']['parts'];
  readonly #fromPart: number;
  readonly #flavour: 'mysql' | 'mariadb';
  /** Statements of one part at most, where that is the bound. */
  readonly #partRows: number;
  #part = 1;
  #inPart = 0;
  readonly #leftOut: LeftOut | null;
  readonly #plan: Plan;
  /** Whether a part is begun: of a script with DDL each begins with the first that it holds. */
  #open: boolean;
  #checks = true;
  #checksWereOff = false;
  #tableToMark: string | null = null;

  constructor(plan: Plan) {
    const { flavour } = plan.range.source;
    const { guard, update } = plan.options;
    this.#plan = plan;
    this.#open = !inSections(plan);
    this.#foreignKeys = plan.foreignKeys;
    this.#parts = plan.options.parts;
    this.#fromPart = plan.options.fromPart;
    this.#flavour = flavour;
    this.#partRows = typeof this.#parts === 'object' ? this.#parts.rows : Number.POSITIVE_INFINITY;
    this.#leftOut = plan.conflicts.leftOut;
    const options = { flavour, form: 'script', guard, update } as const;
    this.#writers = new ScriptWriters(
      (shape, _, tableMap) => (putBackAsEvents(shape.definition, plan.options) ? new RowEventWriter(shape, tableMap, options) : compileWriter(shape, options)),
      (schema, table, ordinal) => historyOf(plan, schema, table, ordinal));
    // A comment that no stock client strips and no server runs: it reaches the binlog with the statement's text.
    this.#release = releaseLocks(plan);
    this.#mark = Buffer.from(` /*!999999 binlog-undo:${plan.id} */`);
  }

  /** What was written since; nothing of parts that are not wanted. */
  take(): Buffer {
    if (this.#part < this.#fromPart) this.out.clear();
    const bytes = this.out.take();
    this.out.clear();
    return bytes;
  }

  open({ transaction, operations }: Chapter): void {
    // Before the transaction's comment, which belongs to the part that follows.
    if (this.#inPart > 0 && (this.#parts === 'transaction' || this.#inPart >= this.#partRows)) this.#nextPart();
    if (this.#open && operations.some(({ ddl }) => ddl)) this.#endPart();
    const thread = transaction.threadId === 0 ? '' : `, thread ${transaction.threadId}`;
    const gtid = transaction.gtid === null ? '' : `, GTID ${transaction.gtid}`;
    this.out.text(commentLines([
      `transaction ${formatPosition(transaction.start)}, committed ${formatMicros(transaction.commitMicros)}${thread}${gtid}`,
      ...operations.slice(0, 20).map((operation) => `  ${operation.opid} ${operation.type} ${operation.table === '' ? operation.schema : formatTable(operation)}: `
        + `${operation.inserted + operation.updated + operation.deleted} rows${operation.statement === null ? '' : `; ${readableStatement(operation.statement)}`}`),
      ...(operations.length > 20 ? [`  and ${operations.length - 20} more operations`] : []),
    ].map((line) => (line.startsWith('  ') ? `  ${commentText(line, 300)}` : commentText(line, 300)))));
  }

  rows(chapter: Chapter, logged: LoggedRows): void {
    const { record, contents } = logged;
    const writer = this.#writers.find(chapter.transaction, logged);
    const rows = parseRowsEvent(record.type, contents.bytes, record.start, record.end);
    if (!this.#open) this.#beginPart();
    this.#setChecks((rows.flags & CHECKS_OFF) === 0);
    const asEvents = writer instanceof RowEventWriter;
    const name = `${writer.shape.schema}\0${writer.shape.table}`;
    this.#tableToMark = this.#marked.has(name) ? null : name;
    this.statements += writer.undo(rows, this.out, (start, end) => {
      if (this.#inPart >= this.#partRows) {
        // The statement stands behind the end of the part that is full.
        const statement = this.out.take(start, end);
        this.out.length = start;
        this.#nextPart();
        if (!this.#open) this.#beginPart();
        this.#tableToMark = name;
        start = this.out.length;
        this.out.raw(statement);
        end = this.out.length;
      }
      this.#inPart++;
      if (end - start > this.largestStatement) this.largestStatement = end - start;
      // Of a row event, the mark goes into the second statement: only that is logged.
      if (this.#tableToMark !== null) this.#insertMark(asEvents ? this.out.bytes.lastIndexOf(0x0a, end - 1) : start, end, this.#tableToMark);
      this.out.raw(asEvents ? COUNT_EVENT : COUNT);
    }, this.#leftOut?.rowsOf(chapter.transaction.ordinal, logged.block, record.start) ?? null);
  }

  /** DDL is a part of its own. */
  ddl({ transaction }: Chapter, seq: number): void {
    const ddl = this.#plan.ddl.find(({ operation }) => operation.ordinal === transaction.ordinal && operation.seq === seq);
    if (!ddl) return;
    if (this.#open) this.#endPart();
    const section = ddlSection(this.#plan, ddl, this.#part);
    // Under other names and with other columns their checks mean other tables.
    this.#foreignKeys = this.#foreignKeys.filter(({ child, parent }) => !concerns(ddl, child) && !concerns(ddl, parent));
    this.out.text(`${this.#partLine()}${this.#part === 1 ? sectionNote(this.#plan) : ''}${section}`);
    this.statements += ddl.statements.length;
    this.largestStatement = Math.max(this.largestStatement, Buffer.byteLength(section));
    this.#part++;
  }

  close(): void {
    this.out.text(commentLines([`statements: ${this.statements}, the largest of ${this.largestStatement} bytes`]));
    if (inSections(this.#plan)) {
      if (this.#open) this.#endPart();
      this.out.text(`${this.#release}\n`);
      return;
    }
    const keys = this.#checksWereOff ? this.#foreignKeys : [];
    const commit = this.#parts === 'whole' ? conditionalCommit(this.statements, keys) : conditionalPartCommit(this.#part, this.#inPart, keys, this.#flavour);
    if (this.#part < this.#fromPart) {
      this.out.clear();
      this.out.text(`${noSuchPart(this.#part).join('\n')}\n`);
      this.#part = this.#fromPart;
    } else this.out.text(`${commit.join('\n')}\n`);
    this.out.text(`${this.#release}\n`);
  }

  /**
   * Ends one transaction of the script and begins the next. Where transactions undone are cut in two, rows may point nowhere for a while:
   * that is looked for at the end only.
   */
  #nextPart(): void {
    if (inSections(this.#plan)) {
      this.#endPart();
      return;
    }
    const keys = this.#checksWereOff && this.#parts === 'transaction' ? this.#foreignKeys : [];
    this.out.text(`${conditionalPartCommit(this.#part, this.#inPart, keys, this.#flavour).join('\n')}\n`);
    if (this.#part < this.#fromPart) this.out.clear();
    this.#part++;
    this.#inPart = 0;
    this.#marked.clear();
    // The preamble has begun the first part that is wanted.
    if (this.#part === this.#fromPart) this.out.text(this.#checks ? '' : 'SET foreign_key_checks=0;\n');
    else this.out.text('START TRANSACTION;\nSET @n=0;\n');
  }

  #partLine(): string {
    return `-- part ${this.#part}\n`;
  }

  /** Of rows, in a script with DDL: whoever goes on from here has the session of the preamble. */
  #beginPart(): void {
    this.out.text(`${this.#partLine()}SET SESSION sql_mode='${ROLLBACK_SQL_MODE}', foreign_key_checks=${this.#checks ? 1 : 0};\nSTART TRANSACTION;\nSET @n=0;\n`);
    if (this.#part === 1) this.out.text(`${onceNote(this.#plan).join('\n')}\n`);
    this.#open = true;
  }

  #endPart(): void {
    const keys = this.#checksWereOff ? this.#foreignKeys : [];
    this.out.text(`${conditionalPartCommit(this.#part, this.#inPart, keys, this.#flavour).join('\n')}\n`);
    this.#part++;
    this.#inPart = 0;
    this.#marked.clear();
    this.#open = false;
  }

  /** Foreign keys as they were for the change: off where the log itself holds what they did to other rows. */
  #setChecks(on: boolean): void {
    if (on === this.#checks) return;
    this.#checks = on;
    this.#checksWereOff = true;
    this.out.text(`SET foreign_key_checks=${on ? 1 : 0};\n`);
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
    this.#tableToMark = null;
  }
}
