import { parseTableText, type ColumnText, type TableText } from './table-text.ts';

/**
 * What SHOW CREATE TABLE printed of a column as a statement has to say it. MySQL remembers that a collation was named and shows it, with
 * its character set, from then on; of a column that takes its character set from the table it shows the table's collation all the same.
 */
export function columnBody({ body, inheritsCharset }: ColumnText, table: TableText, flavour: 'mysql' | 'mariadb'): string {
  const collation = table.options.get('COLLATE');
  if (flavour !== 'mysql' || !inheritsCharset || collation === undefined) return body;
  const clause = ` COLLATE ${collation}`;
  const at = body.indexOf(clause);
  return at < 0 ? body : body.slice(0, at) + body.slice(at + clause.length);
}

/** SHOW CREATE TABLE as the statement that makes a table of which the server prints the same. */
export function createText(sql: string, flavour: 'mysql' | 'mariadb'): string {
  if (flavour !== 'mysql' || !sql.startsWith('CREATE TABLE ')) return sql;
  const table = parseTableText(sql, flavour);
  let text = '';
  let from = 0;
  for (const column of table.columns) {
    const at = sql.indexOf(column.text, from) + column.text.length - column.body.length;
    text += sql.slice(from, at) + columnBody(column, table, flavour);
    from = at + column.body.length;
  }
  return text + sql.slice(from);
}

/**
 * Columns of MySQL that take NULL and had their default dropped: no CREATE TABLE says that, their copy has DEFAULT NULL, and a statement that
 * sets it would seem to change nothing.
 */
export function droppedDefaults(source: string, copy: string): string[] {
  if (!source.startsWith('CREATE TABLE ') || !copy.startsWith('CREATE TABLE ')) return [];
  const bodies = new Map(parseTableText(source, 'mysql').columns.map(({ name, body }) => [name, body]));
  return parseTableText(copy, 'mysql').columns
    .filter(({ name, body }) => / DEFAULT NULL\b/.test(body) && !/ DEFAULT /.test(bodies.get(name) ?? ' DEFAULT ')).map(({ name }) => name);
}

/**
 * What a replay made, in the source's own words: a line of the copy that the statement left alone stays as the source printed it. Servers
 * of two versions print some lines otherwise, and some of what MySQL remembers of a column no CREATE TABLE brings back.
 * @param source the definition before. @param copy what was printed of its copy. @param made what was printed after the statement.
 */
export function inSourceWords(source: string, copy: string, made: string): string {
  const words = new Map<string, string>();
  const theirs = lines(source);
  const ours = lines(copy);
  if (theirs.length !== ours.length || charsetOf(copy) !== charsetOf(made)) return made;
  for (const [i, line] of ours.entries()) words.set(line, theirs[i]!);
  return made.split('\n').map((line) => {
    const [, plain, comma] = /^(.*?)(,?)$/.exec(line)!;
    return line.startsWith('  ') ? `${words.get(plain!) ?? plain!}${comma!}` : line;
  }).join('\n');
}

/** Columns, keys and constraints. */
function lines(sql: string): string[] {
  return sql.split('\n').filter((line) => line.startsWith('  ')).map((line) => line.replace(/,$/, ''));
}

/** With another one, lines that name none mean another one. */
function charsetOf(sql: string): string {
  return / DEFAULT CHARSET=\w+(?: COLLATE=\w+)?/.exec(sql.slice(sql.lastIndexOf('\n) ')))?.[0] ?? '';
}
