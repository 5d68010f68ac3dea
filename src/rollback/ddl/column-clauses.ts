import { quoteName } from '../../core/identifiers.ts';
import { columnBody } from '../../schema/made-again.ts';
import type { NameMap } from './name-map.ts';
import { longestAscending } from './order.ts';
import type { ColumnText, TableText } from '../../schema/table-text.ts';

export interface ColumnClauses {
  readonly dropped: readonly string[];
  readonly defined: readonly string[];
  /** What the same ALTER TABLE cannot do to columns that it defines. */
  readonly afterwards: readonly string[];
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
  const differs = (now: ColumnText, wanted: ColumnText): boolean => {
    if (names.translate(now.text) === wanted.text) return inherited && (wanted.inheritsCharset || now.inheritsCharset);
    return !(flavour === 'mysql' && inherited && keepsCharset(now, wanted, after));
  };
  const defined: string[] = [];
  const afterwards: string[] = [];
  for (const [place, wanted] of before.columns.entries()) {
    const now = present.get(place);
    const definition = `${quoteName(wanted.name)} ${columnBody(wanted, before, flavour)}`;
    const previous = before.columns[place - 1];
    const where = staying.has(place) ? '' : previous ? ` AFTER ${quoteName(previous.name)}` : ' FIRST';
    const clause = !now ? `ADD COLUMN ${definition}${where}`
      : now.name !== wanted.name ? `CHANGE COLUMN ${quoteName(now.name)} ${definition}${where}`
        : where !== '' || differs(now, wanted) ? `MODIFY COLUMN ${definition}${where}` : null;
    if (clause === null) continue;
    const dropsDefault = `ALTER COLUMN ${quoteName(wanted.name)} DROP DEFAULT`;
    const without = hasNoDefault(wanted, flavour);
    if (without && now?.name === wanted.name && where === '' && now.body.replace(ANY_DEFAULT, '') === wanted.body) defined.push(dropsDefault);
    else {
      defined.push(clause);
      if (without) afterwards.push(dropsDefault);
    }
  }
  return { dropped, defined, afterwards, remade };
}

/** A column that is computed when it is read holds no values that another kind of column could take over, and the reverse. */
function mustBeRemade(now: ColumnText, wanted: ColumnText): boolean {
  return now.generated !== wanted.generated && (now.generated === 'virtual' || wanted.generated === 'virtual');
}

const ANY_DEFAULT = / DEFAULT (?:'(?:[^'\\]|''|\\.)*'|b'[01]*'|NULL|\(.*\)|[\w.+-]+(?:\(\d*\))?)(?: ON UPDATE CURRENT_TIMESTAMP(?:\(\d\))?)?/;
const NEVER_A_DEFAULT = /^(?:tiny|medium|long)?(?:text|blob)\b|^(?:json|geometry|point|linestring|polygon|multi\w+|geomcollection|vector)\b/;

/** A column that takes NULL has it as its default once it is defined; MySQL alone remembers that this was dropped, too. */
function hasNoDefault({ body, generated }: ColumnText, flavour: 'mysql' | 'mariadb'): boolean {
  const plain = body.replace(/'(?:[^'\\]|''|\\.)*'/g, "''");
  return flavour === 'mysql' && generated === null && !/ NOT NULL| DEFAULT | AUTO_INCREMENT/.test(plain) && !NEVER_A_DEFAULT.test(plain);
}

/** The table's character set was named for a column that had it from the table: what another one for the table alone brings about. */
function keepsCharset(now: ColumnText, wanted: ColumnText, after: TableText): boolean {
  const named = ` CHARACTER SET ${after.options.get('CHARSET') ?? ''}`;
  return now.inheritsCharset && after.options.get('COLLATE') === undefined && wanted.text === now.text.replace(/^(`(?:[^`]|``)*` (?:enum|set)\((?:'(?:[^'\\]|''|\\.)*',?)*\)|`(?:[^`]|``)*` \w+(?:\(\d+\))?)/, `$1${named}`);
}
