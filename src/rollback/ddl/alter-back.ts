import { quoteName, quoteTable } from '../../core/identifiers.ts';
import { columnClauses } from './column-clauses.ts';
import { constraintClauses, keyClauses, keysOfForeignKeys } from './key-clauses.ts';
import { NameMap, type Renamed } from './name-map.ts';
import { optionClauses } from './option-clauses.ts';
import { parseTableText, type TableText } from '../../schema/table-text.ts';

/** One side of a change: where the table was, and what SHOW CREATE TABLE said of it. */
export interface TableState {
  readonly schema: string;
  readonly table: string;
  readonly sql: string;
}

/**
 * The one ALTER TABLE that turns a definition back into an earlier one, without a final semicolon; none when they are the same
 * but for the AUTO_INCREMENT counter. Two where MariaDB would lose foreign keys: it does, silently, when one ALTER copies a table
 * and renames it (seen on 10.11 and 11.8), and where MySQL cannot define a column and drop its default at once.
 * @param renames columns that the statement in between renamed: two definitions alone do not tell it from drop and add.
 */
export function alterBack(after: TableState, before: TableState, renames: readonly Renamed[], flavour: 'mysql' | 'mariadb'): string[] {
  const now = parseTableText(after.sql, flavour);
  const wanted = parseTableText(before.sql, flavour);
  const names = new NameMap(renames, flavour);
  const columns = columnClauses(now, wanted, names, flavour);
  const constraints = constraintClauses(before.schema, now, wanted, names, flavour);
  const replaced = keysOfForeignKeys(now, constraints.foreign);
  // MariaDB's indexes keep the block size that they were made with.
  const anew = flavour === 'mariadb' && now.options.get('KEY_BLOCK_SIZE') !== wanted.options.get('KEY_BLOCK_SIZE');
  const keys = keyClauses(now, wanted, names, ({ name, text }) => anew || replaced.has(name)
    || [...columns.remade].some((column) => names.translate(text).toLowerCase().includes(quoteName(column))));
  const moved = after.schema !== before.schema || after.table !== before.table;
  const clauses = [
    ...constraints.dropped, ...keys.dropped, ...columns.dropped, ...columns.defined, ...keys.added, ...constraints.added,
    ...optionClauses(now, wanted),
    // InnoDB refuses to rebuild several fulltext indexes in place, where it should fall back on copying.
    ...(flavour === 'mysql' && severalFulltext(wanted) && columns.defined.length + keys.added.length > 0 ? ['ALGORITHM=COPY'] : []),
  ];
  const rename = `RENAME TO ${quoteTable(before.schema, before.table)}`;
  const partitions = now.partitions === wanted.partitions ? '' : wanted.partitions === null ? ' REMOVE PARTITIONING' : ` ${wanted.partitions}`;
  const alters = clauses.length > 0 || partitions !== '';
  if (!alters && !moved) return [];
  const from = quoteTable(after.schema, after.table);
  const staying = now.constraints.some(({ kind, name }) => kind === 'foreign' && !constraints.dropped.some((clause) => clause.endsWith(quoteName(name))));
  // MariaDB guards the history of a versioned table against every change but its end alone.
  const session = flavour === 'mariadb' && now.options.has('SYSTEM VERSIONING') && clauses.some((clause) => clause !== 'DROP SYSTEM VERSIONING') ? 'SET STATEMENT system_versioning_alter_history=KEEP FOR ' : '';
  if (moved && alters && flavour === 'mariadb' && staying) return [`${session}ALTER TABLE ${from} ${clauses.join(', ')}${partitions}`, `ALTER TABLE ${from} ${rename}`];
  return [
    `${session}ALTER TABLE ${from} ${[...clauses, ...(moved ? [rename] : [])].join(', ')}${partitions}`,
    ...(columns.afterwards.length === 0 ? [] : [`ALTER TABLE ${quoteTable(before.schema, before.table)} ${columns.afterwards.join(', ')}`]),
  ];
}

const severalFulltext = ({ keys }: TableText): boolean => keys.filter(({ group }) => group === 'fulltext').length > 1;
