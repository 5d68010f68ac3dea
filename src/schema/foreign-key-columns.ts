/** A name in backquotes, as SHOW CREATE TABLE writes all of them. */
const NAME = '`(?:[^`]|``)+`';
const FOREIGN_KEY = new RegExp(`^\\s+(?:CONSTRAINT ${NAME} )?FOREIGN KEY (?:${NAME} )?\\((${NAME}(?:, ?${NAME})*)\\) REFERENCES `, 'gm');

/** The columns of each foreign key that a table declares, out of its SHOW CREATE TABLE text. */
export function foreignKeyColumns(createTable: string): string[][] {
  return [...createTable.matchAll(FOREIGN_KEY)].map(([, list]) => [...list!.matchAll(new RegExp(NAME, 'g'))].map(([name]) => name.slice(1, -1).replaceAll('``', '`')));
}
