import type { TableName } from '../../binlog/sql/classify.ts';
import type { UndoStatement } from '../../rollback/ddl/verdict.ts';
import type { Cut, Finding } from '../finding.ts';
import type { Around } from './expectations.ts';
import type { ObjectsAround } from './object-expectations.ts';
import type { DdlRecord } from './records.ts';

/** What a script does and looks at in one go. */
export interface UndoStep {
  /** In order, each with its semicolon. */
  readonly statements: readonly UndoStatement[];
  readonly objects: ObjectsAround;
}

/** What the undo of a DDL does to the triggers of a table, by their names. */
export interface TriggerChange extends TableName {
  /** Through the undo a trigger is made. */
  readonly made: string | null;
  /** Through the undo a trigger goes. */
  readonly gone: string | null;
}

/** How a DDL is undone. */
export interface DdlUndo {
  /** Each has a section of its own. */
  readonly steps: readonly UndoStep[];
  /** What does not come back; null: everything does. */
  readonly loss: string | null;
  /** Of tables alone. */
  readonly around: Around;
  readonly triggers: TriggerChange | null;
}

/** A DDL that a script undoes. */
export interface UndoneDdl extends DdlRecord, DdlUndo {
  readonly read: NonNullable<DdlRecord['read']>;
}

export interface DdlPlan {
  /** In the order of their sections: newest first. */
  readonly undone: readonly UndoneDdl[];
  /** Effective DDL from the begin of the range to the log's end that is not undone, newest first. */
  readonly kept: readonly DdlRecord[];
  /** Behind these rows cannot be taken back any further. */
  readonly cuts: readonly Cut[];
  /** Tables whose rows are no changes of data: the copies of online schema changes. */
  readonly copies: readonly TableName[];
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}
