import { quoteName } from '../../core/identifiers.ts';
import type { NameMap } from './name-map.ts';
import { longestAscending } from './order.ts';
import type { ColumnText, TableText } from './table-text.ts';

export interface ColumnClauses {
  readonly dropped: readonly string[];
  readonly defined: readonly string[];
  /** Names, in lower case and as before, of columns that are taken away and made anew: their indexes go with them. */
  readonly remade: ReadonlySet<string>;
}

/** Clauses that turn the columns of `after` into those of `before`, in places too. */
export function columnClauses(after: TableText, before: TableText, names: NameMap, flavour: 'mysql' | 'mariadb'): ColumnClauses {
  const places = new Map(before.columns.map((column, i) => [column.name.toLowerCase(), i]));
  const present = new Map<number, ColumnText>();
  const dropped: string[] = [];
  const remade = new Set<string>();
  for (const column of after.columns) {
    const wasCalled = names.before(column.name).toLowerCase();
    const place = places.get(wasCalled);
    const wanted = place === undefined ? undefined : before.columns[place];
    if (place === undefined || !wanted || mustBeRemade(column, wanted)) {
      dropped.push(`DROP COLUMN ${quoteName(column.name)}`);
      if (wanted) remade.add(wasCalled);
    } else present.set(place, column);
  }
  const staying = longestAscending([...present.keys()]);
  const inherited = after.options.get('CHARSET') !== before.options.get('CHARSET') || after.options.get('COLLATE') !== before.options.get('COLLATE');
  const defined: string[] = [];
  for (const [place, wanted] of before.columns.entries()) {
    const now = present.get(place);
    const definition = `${quoteName(wanted.name)} ${columnBody(wanted, before, flavour)}`;
    const previous = before.columns[place - 1];
    const where = staying.has(place) ? '' : previous ? ` AFTER ${quoteName(previous.name)}` : ' FIRST';
    if (!now) defined.push(`ADD COLUMN ${definition}${where}`);
    else if (now.name !== wanted.name) defined.push(`CHANGE COLUMN ${quoteName(now.name)} ${definition}${where}`);
    else if (where !== '' || names.translate(now.text) !== wanted.text || (inherited && (wanted.inheritsCharset || now.inheritsCharset))) {
      defined.push(`MODIFY COLUMN ${definition}${where}`);
    }
  }
  return { dropped, defined, remade };
}

/** A column that is computed when it is read holds no values that another kind of column could take over, and the reverse. */
function mustBeRemade(now: ColumnText, wanted: ColumnText): boolean {
  return now.generated !== wanted.generated && (now.generated === 'virtual' || wanted.generated === 'virtual');
}

/**
 * MySQL remembers that a collation was named and shows it from then on; a column that takes its character set from the
 * table is shown with the table's collation all the same.
 */
function columnBody(column: ColumnText, table: TableText, flavour: 'mysql' | 'mariadb'): string {
  const collation = table.options.get('COLLATE');
  if (flavour !== 'mysql' || !column.inheritsCharset || collation === undefined) return column.body;
  const clause = ` COLLATE ${collation}`;
  const at = column.body.indexOf(clause);
  return at < 0 ? column.body : column.body.slice(0, at) + column.body.slice(at + clause.length);
}
