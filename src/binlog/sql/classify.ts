import type { DdlStatement } from './ddl-statement.ts';
import { readDdl, readRenameStatement, readTruncate, unknownDdl } from './ddl.ts';
import { namedTables } from './dml.ts';
import type { QueryClass } from './query-class.ts';
import { SqlReader } from './reader.ts';
import { readRollback, readXa } from './transaction-control.ts';

export { sqlModeBits } from './tokenizer.ts';
export type { DdlStatement } from './ddl-statement.ts';
export type { QueryClass } from './query-class.ts';
export type { TableName } from './reader.ts';

export interface QueryContext {
  /** The session's default schema, as the event states it; empty for none. */
  readonly schema: string;
  /** Bits from the status variables (`sqlModeBits`); 0 when not known. */
  readonly sqlMode: number;
  readonly flavour: 'mysql' | 'mariadb';
}

const BEGIN = { kind: 'begin' } as const;
const COMMIT = { kind: 'commit' } as const;

/** First words of statements without effect on rows or shapes. */
const HARMLESS = new Set([
  'GRANT', 'REVOKE', 'SET', 'FLUSH', 'RESET', 'PURGE', 'KILL', 'SHOW', 'USE', 'HELP', 'EXPLAIN', 'DESCRIBE', 'DESC', 'CHECK', 'CHECKSUM',
  'OPTIMIZE', 'REPAIR', 'INSTALL', 'UNINSTALL', 'CHANGE', 'STOP', 'LOCK', 'UNLOCK', 'CACHE', 'BACKUP', 'SIGNAL', 'RESIGNAL',
  'DEALLOCATE', 'PREPARE', 'SHUTDOWN', 'RESTART', 'CLONE',
]);

function ddl(result: DdlStatement | string, verb: string): QueryClass {
  return typeof result === 'string' ? { kind: 'other', verb: `${verb} ${result}` } : { kind: 'ddl', statement: result };
}

/** MariaDB's `SET STATEMENT a=1, b=2 FOR statement`: moves on to the statement; false when there is no FOR. */
function skipSetStatement(reader: SqlReader): boolean {
  for (let depth = 0; reader.peek().kind !== 'end'; ) {
    const token = reader.next();
    if (token.kind === 'punct' && token.text === '(') depth++;
    else if (token.kind === 'punct' && token.text === ')') depth--;
    else if (depth === 0 && token.keyword === 'FOR') return true;
  }
  return false;
}

function classifyVerb(reader: SqlReader, verb: string, context: QueryContext): QueryClass {
  switch (verb) {
    case 'COMMIT': return COMMIT;
    case 'ROLLBACK': return readRollback(reader);
    case 'SAVEPOINT': return { kind: 'savepoint', name: reader.identifier() ?? '' };
    case 'RELEASE': if (reader.accept('SAVEPOINT')) return { kind: 'releaseSavepoint' }; break;
    case 'XA': return readXa(reader);
    case 'CREATE': case 'ALTER': case 'DROP': return ddl(readDdl(verb, reader, context.schema), verb);
    case 'RENAME': return ddl(readRenameStatement(reader), verb);
    case 'TRUNCATE': return ddl(readTruncate(reader), verb);
    case 'IMPORT': return ddl(unknownDdl('CREATE', reader), verb);
    case 'BEGIN': if (reader.accept('WORK') || reader.atEnd()) return BEGIN; break;
    case 'START':
      if (reader.accept('TRANSACTION')) return BEGIN;
      if (['REPLICA', 'SLAVE', 'ALL', 'GROUP_REPLICATION'].includes(reader.keyword())) return { kind: 'other', verb };
      break;
    // MariaDB's ANALYZE UPDATE runs the UPDATE.
    case 'ANALYZE': if (['TABLE', 'TABLES', 'LOCAL', 'NO_WRITE_TO_BINLOG'].includes(reader.keyword())) return { kind: 'other', verb }; break;
    case 'LOAD': if (reader.keyword() === 'INDEX') return { kind: 'other', verb }; break;
  }
  return HARMLESS.has(verb) ? { kind: 'other', verb } : { kind: 'dml', verb, tables: namedTables(verb, reader) };
}

/**
 * Tells what the text of a QUERY event means. Never throws, reads each character at most a fixed number of times, and reads
 * long statement-format DML only as far as its table names.
 */
export function classifyQuery(sql: string, context: QueryContext): QueryClass {
  // Nearly every event is one of these.
  if (sql === 'BEGIN') return BEGIN;
  if (sql === 'COMMIT') return COMMIT;
  const reader = new SqlReader(sql, context);
  while (reader.acceptPunct('('));
  let verb = reader.next();
  while (verb.keyword === 'SET' && reader.keyword() === 'STATEMENT') {
    if (!skipSetStatement(reader)) return { kind: 'dml', verb: 'SET STATEMENT', tables: [] };
    verb = reader.next();
  }
  // MariaDB masks events that a reader does not know as comments ("# Dummy event ...").
  if (verb.kind === 'end') return { kind: 'other', verb: '' };
  return classifyVerb(reader, verb.keyword, context);
}
