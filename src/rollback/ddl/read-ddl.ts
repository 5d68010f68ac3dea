import { classifyQuery, type DdlStatement } from '../../binlog/sql/classify.ts';
import { columnRenames } from '../../binlog/sql/column-renames.ts';
import type { ColumnRenames } from '../carry-over.ts';

/** A DDL as the log holds it. */
export interface LoggedDdl {
  /** The first bytes of its text; null when the server did not log it. */
  readonly statement: Buffer | null;
  readonly statementBytes: number;
  readonly session: { readonly schema: string; readonly sqlMode: number } | null;
}

export interface ReadDdl {
  readonly statement: DdlStatement;
  /** Columns that it renames. */
  readonly renames: ColumnRenames;
}

/** What a logged DDL says, or in words why that cannot be told. */
export function readLoggedDdl({ statement: bytes, statementBytes, session }: LoggedDdl, flavour: 'mysql' | 'mariadb'): ReadDdl | { readonly unread: string } {
  if (bytes === null || session === null || bytes.length < statementBytes) return { unread: 'its text is not held as a whole' };
  const sql = bytes.toString('utf8');
  const query = classifyQuery(sql, { ...session, flavour });
  if (query.kind !== 'ddl') return { unread: 'its text was not fully understood' };
  const { statement } = query;
  return { statement, renames: statement.verb === 'ALTER' ? columnRenames(sql, { sqlMode: session.sqlMode, flavour }) : [] };
}
