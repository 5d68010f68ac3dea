import type { SqlBuffer } from '../core/sql-buffer.ts';
import { ROLLBACK_SQL_MODE } from '../rollback/session.ts';
import { concerns } from './ddl/records.ts';
import type { UndoneDdl } from './ddl/undone.ts';
import type { ForeignKey } from './foreign-keys.ts';
import { conditionalCommit, conditionalPartCommit, noSuchPart, onceNote, releaseLocks, sectionNote } from './guards.ts';
import { lockTables, openWhenAllFound, unlockTables } from './locked/statements.ts';
import type { Plan } from './plan.ts';
import { inSections } from './sections.ts';
import type { TableName } from './selection.ts';

/** The transactions of a script: where each begins, what it counts, and with which COMMIT it ends. */
export class ScriptParts {
  /** The number of the present one. */
  part = 1;
  /** Rows undone in it. */
  rows = 0;
  /** Whether a part is begun: of a script in sections each begins with the first that it holds. */
  open: boolean;
  /** Whether it is one over tables that cannot roll back. */
  locked = false;
  readonly #plan: Plan;
  readonly #out: SqlBuffer;
  /** Rows of one part at most, where that is the bound. */
  readonly #most: number;
  #foreignKeys: readonly ForeignKey[];
  #checks = true;
  #checksWereOff = false;

  constructor(plan: Plan, out: SqlBuffer) {
    this.#plan = plan;
    this.#out = out;
    this.open = !inSections(plan);
    this.#foreignKeys = plan.foreignKeys;
    const { parts } = plan.options;
    this.#most = typeof parts === 'object' ? parts.rows : Number.POSITIVE_INFINITY;
  }

  /** Rows that the next statement may undo. */
  room(): number {
    return this.locked || this.full ? this.#most : this.#most - this.rows;
  }

  get full(): boolean {
    return !this.locked && this.rows >= this.#most;
  }

  /** Whether what is written now is asked for. */
  get wanted(): boolean {
    return this.part >= this.#plan.options.fromPart;
  }

  /** Between two transactions undone: ends a part that has to end here. */
  turn(): void {
    if (this.rows > 0 && (this.#plan.options.parts === 'transaction' || this.full)) this.next();
  }

  /** Foreign keys as they were for the change: off where the log itself holds what they did to other rows. */
  checkKeys(on: boolean): void {
    if (on === this.#checks) return;
    this.#checks = on;
    this.#checksWereOff = true;
    this.#out.text(`SET foreign_key_checks=${on ? 1 : 0};\n`);
  }

  /** Whether `checkKeys` would write something. */
  checksDiffer(on: boolean): boolean {
    return on !== this.#checks;
  }

  /**
   * Ends one transaction of the script and begins the next. Where transactions undone are cut in two, rows may point nowhere for a while:
   * that is looked for at the end only.
   */
  next(): void {
    if (inSections(this.#plan)) {
      this.end();
      return;
    }
    this.#commitPart(this.#plan.options.parts === 'transaction');
    if (!this.wanted) this.#out.clear();
    this.part++;
    this.rows = 0;
    // The preamble has begun the first part that is wanted.
    if (this.part === this.#plan.options.fromPart) this.#out.text(this.#checks ? '' : 'SET foreign_key_checks=0;\n');
    else this.#out.text('START TRANSACTION;\nSET @n=0;\n');
  }

  /** A part of rows, in a script in sections: whoever goes on from here has the session of the preamble. */
  begin(): void {
    this.#out.text(`${this.#line()}SET SESSION sql_mode='${ROLLBACK_SQL_MODE}', foreign_key_checks=${this.#checks ? 1 : 0};\nSTART TRANSACTION;\nSET @n=0;\n`);
    if (this.part === 1) this.#out.text(`${onceNote(this.#plan).join('\n')}\n`);
    this.open = true;
  }

  end(): void {
    this.#commitPart(true);
    this.part++;
    this.rows = 0;
    this.open = false;
  }

  /** A step of the undo of DDL is a part of its own. @param section writes it, for the number of the part. */
  ddl(ddl: UndoneDdl, section: (part: number) => string): void {
    if (this.open) this.end();
    // Under other names and with other columns their checks mean other tables.
    this.#foreignKeys = this.#foreignKeys.filter(({ child, parent }) => !concerns(ddl, child) && !concerns(ddl, parent));
    this.#out.text(`${this.#line()}${this.part === 1 ? sectionNote(this.#plan) : ''}${section(this.part)}`);
    this.part++;
  }

  /** Rows of tables that cannot roll back are a part of their own, which begins with the looks at them. */
  lock(tables: readonly TableName[]): void {
    if (this.open) this.end();
    this.#out.text(`${this.#line()}${this.part === 1 ? sectionNote(this.#plan) : ''}${lockTables(this.part, tables).join('\n')}\n`);
  }

  /** @param looks how many were written. */
  looked(looks: number): void {
    this.#out.text(`${openWhenAllFound(this.#plan, this.part, looks).join('\n')}\n`);
    this.open = this.locked = true;
  }

  unlock(): void {
    this.#out.text(`${unlockTables(this.#plan, this.part, this.rows).join('\n')}\n`);
    this.part++;
    this.rows = 0;
    this.open = this.locked = false;
  }

  close(): void {
    if (inSections(this.#plan)) {
      if (this.open) this.end();
    } else if (!this.wanted) {
      this.#out.clear();
      this.#out.text(`${noSuchPart(this.part).join('\n')}\n`);
      this.part = this.#plan.options.fromPart;
    } else if (this.#plan.options.parts === 'whole') {
      this.#out.text(`${conditionalCommit(this.rows, this.#checksWereOff ? this.#foreignKeys : []).join('\n')}\n`);
    } else this.#commitPart(true);
    this.#out.text(`${releaseLocks(this.#plan)}\n`);
  }

  #commitPart(orphans: boolean): void {
    const keys = this.#checksWereOff && orphans ? this.#foreignKeys : [];
    this.#out.text(`${conditionalPartCommit(this.part, this.rows, keys, this.#plan.range.source.flavour).join('\n')}\n`);
  }

  #line(): string {
    return `-- part ${this.part}\n`;
  }
}
