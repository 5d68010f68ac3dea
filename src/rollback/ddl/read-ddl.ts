import { classifyQuery, type DdlStatement } from '../../binlog/sql/classify.ts';
import { columnRenames } from '../../binlog/sql/column-renames.ts';
import { eventRenamedTo } from '../../schema/objects/object-reach.ts';
import type { ObjectName } from '../../schema/objects/object.ts';
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
  /** The event's new name that an ALTER EVENT gives. */
  readonly renamedTo: ObjectName | null;
  /** Whether it gives a comment. */
  readonly comments: boolean;
}

/** What a logged DDL says, or in words why that cannot be told. */
export function readLoggedDdl({ statement: bytes, statementBytes, session }: LoggedDdl, flavour: 'mysql' | 'mariadb'): ReadDdl | { readonly unread: string } {
  if (bytes === null || session === null || bytes.length < statementBytes) return { unread: 'its text is not held as a whole' };
  const sql = bytes.toString('utf8');
  const query = classifyQuery(sql, { ...session, flavour });
  if (query.kind !== 'ddl') return { unread: 'its text was not fully understood' };
  const { statement } = query;
  const alters = statement.verb === 'ALTER';
  const dialect = { sqlMode: session.sqlMode, flavour };
  return {
    statement,
    renames: alters && statement.object !== 'EVENT' ? columnRenames(sql, dialect) : [],
    comments: /\bCOMMENT\b/i.test(sql),
    renamedTo: alters && statement.object === 'EVENT' ? eventRenamedTo(sql, dialect, session.schema) : null,
  };
}
