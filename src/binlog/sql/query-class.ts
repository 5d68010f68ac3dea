import type { DdlStatement } from './ddl-statement.ts';
import type { TableName } from './reader.ts';

/** What a QUERY event means for rows and shapes. XIDs stand in the form in which servers log them: `X'6131',X'',1`. */
export type QueryClass =
  | { readonly kind: 'begin' }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'savepoint'; readonly name: string }
  | { readonly kind: 'rollbackTo'; readonly name: string }
  | { readonly kind: 'releaseSavepoint' }
  | { readonly kind: 'xaStart' | 'xaEnd' | 'xaPrepare' | 'xaCommit' | 'xaRollback'; readonly xid: string; readonly onePhase?: boolean }
  | { readonly kind: 'ddl'; readonly statement: DdlStatement }
  /**
   * Statement-format DML: its rows are not in the log. `tables` are those it names; empty when not known, and triggers
   * and routines may reach further. Statements not known here count as DML too, so that none is overlooked.
   */
  | { readonly kind: 'dml'; readonly verb: string; readonly tables: readonly TableName[] }
  /** Surely without effect on rows or shapes: accounts, SET, maintenance, comments alone. */
  | { readonly kind: 'other'; readonly verb: string };
