import { ROWS_OF_A_TABLE } from '../../rollback/ddl/undo-ddl.ts';
import { inTableScope } from '../conditions.ts';
import type { Cut, Finding } from '../finding.ts';
import type { LogRange } from '../range.ts';
import type { ScriptOptions, Selection } from '../selection.ts';
import type { Judged } from './judge.ts';
import { standsInTheWay } from './obstacles.ts';
import { describeChange, type OnlineChange } from './online-change.ts';
import { describeDdl, isOfObject, staysWithoutHarm, wentWithDatabase, type DdlRecord } from './records.ts';
import type { DdlPlan, UndoneDdl } from './undone.ts';
import { viewsInOrder } from './view-order.ts';

/** What a plan undoes of the DDL that it meets, from the newest to the oldest. */
export class Draft {
  readonly #range: LogRange;
  readonly #selection: Selection;
  readonly #undone: UndoneDdl[] = [];
  readonly #kept: DdlRecord[] = [];
  readonly #cuts: Cut[] = [];
  readonly #findings: Finding[] = [];

  constructor(range: LogRange, selection: Selection) {
    this.#range = range;
    this.#selection = selection;
  }

  /** The selection names it. */
  ask(record: DdlRecord, { undo, why }: Judged): void {
    const { read } = record;
    if (undo === null || read === null) {
      this.keep(record, why === '' ? 'its undo stands with another table of the statement, which is not selected' : `it cannot be undone: ${why}`, true);
      return;
    }
    const later = this.#kept.find((other) => standsInTheWay(other, record, undo.triggers));
    if (later) {
      this.#refuse(record, `cannot be undone: ${describeDdl(later)} came after it and is not undone`);
      return;
    }
    const lost = this.#cuts.find((cut) => read.statement.renames.some(({ to }) => to.schema === cut.schema && (cut.table === '' || to.table === cut.table)));
    if (lost) {
      this.#refuse(record, `cannot be undone: it would put a table in its place whose rows are lost since ${lost.shown}`);
      return;
    }
    this.#undone.push({ ...record, read, ...undo });
    if (undo.loss === null) return;
    const what = `is undone without ${undo.loss}`;
    // That its rows went is told with the database.
    if (wentWithDatabase(record)) {
      if (undo.loss !== ROWS_OF_A_TABLE) this.#tell(record, what);
    } else if (isOfObject(record)) this.#tell(record, what);
    else this.#cut(record, what, true);
  }

  /** @param asked the selection names it all the same. */
  keep(record: DdlRecord, why: string, asked = false): void {
    this.#kept.push(record);
    const { read, operation } = record;
    const destroys = !isOfObject(record) && !wentWithDatabase(record) && (read === null || !read.statement.certain || read.statement.rowsOutsideLog || operation.type === 'DROPDB');
    if (destroys) this.#cut(record, asked ? `is not undone: ${why}` : `is not undone (${why})`, asked);
    else if (asked) this.#tell(record, `is not undone: ${why}`);
  }

  /** Work of an online schema change, which stays. */
  step(record: DdlRecord): void {
    this.#kept.push(record);
  }

  /** Whether that DROP DATABASE is undone, of which `record` is a part. */
  undoes({ operation: { ordinal } }: DdlRecord): boolean {
    return this.#undone.some(({ operation }) => operation.ordinal === ordinal && operation.table === '');
  }

  finish({ allow, parts }: ScriptOptions, hasRows: boolean, online: readonly OnlineChange[]): DdlPlan {
    const warnings = online.filter(({ swap, table }) => swap.operation.ordinal < this.#range.to && inTableScope(this.#selection, table.schema, table.table)).map(describeChange);
    const { length } = this.#undone;
    const plan = { kept: this.#kept, cuts: this.#cuts, findings: this.#findings, copies: online.flatMap(({ helpers }) => helpers) };
    if (length === 0) return { ...plan, undone: [], warnings };
    const [newest] = this.#undone;
    const all = `${describeDdl(newest!)}${length === 1 ? '' : ` and ${length - 1} more`}`;
    const consented = allow.has('nonatomic') || parts === 'transaction';
    // An empty table that stays behind does no harm: rows can be undone without it, all or nothing.
    if (!consented && hasRows && this.#undone.every(({ read }) => staysWithoutHarm(read.statement))) {
      return {
        ...plan, undone: [], kept: [...this.#kept, ...this.#undone].sort((a, b) => b.operation.ordinal - a.operation.ordinal || b.operation.seq - a.operation.seq),
        warnings: [...warnings, `What was created stays, without the rows: ${all}. With allow=nonatomic it is dropped as well.`],
      };
    }
    return {
      ...plan, undone: viewsInOrder(this.#undone), warnings,
      findings: [...this.#findings, ...(parts === 'transaction' ? [] : [{
        code: 'NOT_ATOMIC' as const, allow: 'nonatomic' as const,
        message: `${all} cannot be rolled back: the script is divided into sections, each of which stays when a later one fails`,
      }])],
    };
  }

  #cut(record: DdlRecord, what: string, asked: boolean): void {
    const { schema, table, ordinal, seq } = record.operation;
    if (ordinal >= this.#range.to || !inTableScope(this.#selection, schema, table)) return;
    this.#cuts.push({ schema, table, ordinal, seq, shown: describeDdl(record), asked, what });
  }

  #refuse(record: DdlRecord, what: string): void {
    this.#findings.push({ code: 'NOT_UNDOABLE', allow: null, message: `${describeDdl(record)} ${what}` });
  }

  #tell(record: DdlRecord, what: string): void {
    this.#findings.push({ code: 'NOT_UNDOABLE', allow: 'dataloss', message: `${describeDdl(record)} ${what}` });
  }
}
