import type { TableName } from '../binlog/sql/classify.ts';

/** A name in backquotes, as SHOW CREATE TABLE writes all of them. */
const NAME = '`(?:[^`]|``)+`';
const FOREIGN_KEY = new RegExp(`^\\s+(?:CONSTRAINT ${NAME} )?FOREIGN KEY (?:${NAME} )?\\((${NAME}(?:, ?${NAME})*)\\) REFERENCES `, 'gm');
const REFERRED = new RegExp(`(${FOREIGN_KEY.source})(${NAME})(?:\\.(${NAME}))?`, 'gm');

/** The columns of each foreign key that a table declares, out of its SHOW CREATE TABLE text. */
export function foreignKeyColumns(createTable: string): string[][] {
  return [...createTable.matchAll(FOREIGN_KEY)].map(([, list]) => [...list!.matchAll(new RegExp(NAME, 'g'))].map(([name]) => bare(name)));
}

/** The tables that its foreign keys refer to. @param schema its own: theirs where none is written. */
export function referredTables(createTable: string, schema: string): TableName[] {
  return [...createTable.matchAll(REFERRED)].map(([, , , first, second]) => parentOf(schema, first!, second));
}

/** The same text with other names for them. @param written the name as it is to stand there, quoted. */
export function withReferredTables(createTable: string, schema: string, written: (parent: TableName) => string): string {
  return createTable.replace(REFERRED, (_, head: string, _columns: string, first: string, second: string | undefined) => head + written(parentOf(schema, first, second)));
}

const bare = (name: string): string => name.slice(1, -1).replaceAll('``', '`');
const parentOf = (schema: string, first: string, second: string | undefined): TableName =>
  (second === undefined ? { schema, table: bare(first) } : { schema: bare(first), table: bare(second) });
