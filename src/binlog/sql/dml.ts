import type { SqlReader, TableName } from './reader.ts';

const PRIORITY = ['LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY', 'QUICK', 'CONCURRENT', 'LOCAL', 'IGNORE'] as const;

function one(table: TableName | null): readonly TableName[] {
  return table && table.table !== '' ? [table] : [];
}

/** `UPDATE t [PARTITION (...)] [[AS] alias] SET`; a join or a subquery gives none. */
function updateTarget(reader: SqlReader): readonly TableName[] {
  const table = reader.tableName();
  if (reader.acceptPunct(',') || reader.isPunct('(')) return [];
  if (reader.accept('PARTITION')) while (!reader.acceptPunct(')') && reader.peek().kind !== 'end') reader.next();
  reader.accept('AS');
  if (reader.keyword() !== 'SET') reader.identifier();
  return reader.keyword() === 'SET' ? one(table) : [];
}

/** `DELETE FROM t [WHERE ...]`; the forms for several tables give none. */
function deleteTarget(reader: SqlReader): readonly TableName[] {
  if (!reader.accept('FROM')) return [];
  const table = reader.tableName();
  return reader.isPunct(',') || reader.isPunct('.') || reader.keyword() === 'USING' ? [] : one(table);
}

/** The table that a statement-format DML names as its target, the verb taken; empty when it names several or none. */
export function namedTables(verb: string, reader: SqlReader): readonly TableName[] {
  switch (verb) {
    case 'INSERT': case 'REPLACE':
      while (reader.accept(...PRIORITY));
      reader.accept('INTO');
      return one(reader.tableName());
    case 'UPDATE':
      while (reader.accept(...PRIORITY));
      return updateTarget(reader);
    case 'DELETE':
      while (reader.accept(...PRIORITY));
      return deleteTarget(reader);
    case 'LOAD':
      // The options before INTO are words and one string: the file's name.
      while (reader.keyword() !== 'INTO' && reader.peek().kind !== 'end') reader.next();
      return reader.acceptAll('INTO', 'TABLE') ? one(reader.tableName()) : [];
    default:
      return [];
  }
}
