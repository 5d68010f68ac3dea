import type { ColumnDefinition, TableDefinition } from '../schema/definition.ts';
import { chooseKey } from './choose-key.ts';
import { hasRoom } from './value-room.ts';

/** Columns that one statement renamed. */
export type ColumnRenames = readonly { readonly from: string; readonly to: string }[];

/** What is to be undone of a table's rows: some differences of definitions matter to one kind only. */
export interface RowKinds {
  readonly inserted: boolean;
  readonly updated: boolean;
  readonly deleted: boolean;
}

/** How rows of an earlier definition go into the table as it is now. */
export interface CarryOver {
  /** Today's column for each column of then; null for one that was computed and is gone. */
  readonly columns: readonly (ColumnDefinition | null)[];
  /** Columns that have come since and hold values of their own. */
  readonly added: readonly ColumnDefinition[];
}

/**
 * Finds today's column for each one of then.
 * @param renames of the statements in between, in order.
 * @returns what cannot be carried over, in words that name the column; else how it goes.
 */
export function carryOver(then: TableDefinition, now: TableDefinition, renames: readonly ColumnRenames[]): CarryOver | { readonly refused: string } {
  const places = new Map(now.columns.map((column) => [column.name.toLowerCase(), column]));
  const columns: (ColumnDefinition | null)[] = [];
  for (const before of then.columns) {
    const name = nameNow(before.name, renames);
    const after = (name === null ? undefined : places.get(name.toLowerCase())) ?? null;
    const refused = misfit(before, after);
    if (refused !== null) return { refused };
    columns.push(after);
  }
  const taken = new Set(columns.map((column) => column?.name));
  return { columns, added: now.columns.filter((column) => !taken.has(column.name) && column.generated === null && column.rowPeriod === null) };
}

/** What a column is called after the renames; null when it must have been dropped, since another one took its name. */
function nameNow(name: string, renames: readonly ColumnRenames[]): string | null {
  let current = name.toLowerCase();
  for (const statement of renames) {
    const own = statement.find(({ from }) => from.toLowerCase() === current);
    if (own) current = own.to.toLowerCase();
    else if (statement.some(({ to }) => to.toLowerCase() === current)) return null;
  }
  return current;
}

function misfit(then: ColumnDefinition, now: ColumnDefinition | null): string | null {
  if (now === null) return then.generated !== null ? null : `column ${then.name} is gone`;
  const called = then.name.toLowerCase() === now.name.toLowerCase() ? `column ${now.name}` : `column ${then.name}, which is ${now.name} now,`;
  if (now.generated !== null) return then.generated === null ? `${called} is generated now` : null;
  // The servers leave computed values out of row images, or not, as their release has it.
  if (then.generated !== null) return `${called} was generated and holds values of its own now`;
  if (then.rowPeriod !== now.rowPeriod) return `${called} is no longer what it was for system versioning`;
  if (!hasRoom(then, now)) {
    const charset = (column: ColumnDefinition): string => (column.characterSet === null || then.characterSet === now.characterSet ? '' : ` of ${column.characterSet}`);
    return `${called} was ${then.columnType}${charset(then)} and is ${now.columnType}${charset(now)} now`;
  }
  return then.nullable && !now.nullable ? `${called} could be NULL and is NOT NULL now` : null;
}

/** Why rows of these kinds cannot be undone though their values fit; null when they can. */
export function refusedKinds(then: TableDefinition, now: TableDefinition, { columns, added }: CarryOver, kinds: RowKinds): string | null {
  const lacking = kinds.deleted ? added.find((column) => !column.hasDefault && fillerOf(column) === null) : undefined;
  if (lacking) return `column ${lacking.name} was added without a default, and nothing says what it should hold in rows that come back`;
  const [first] = added;
  const places = then.columns.map(({ name, nullable, generated }, index) => {
    const column = columns[index] ?? null;
    return { index, name: column?.name ?? name, nullable, generated: (column?.generated ?? generated) !== null };
  });
  if (first && (kinds.inserted || kinds.updated) && chooseKey(now, places).kind === 'none') return `column ${first.name} was added, and no key tells rows apart that differ in it alone`;
  return null;
}

/** The value that ALTER TABLE gave to the rows that were there, of a NOT NULL column without a default; null when no value is sure. */
export function fillerOf({ dataType }: Pick<ColumnDefinition, 'dataType'>): string | null {
  switch (dataType) {
    case 'tinyint': case 'smallint': case 'mediumint': case 'int': case 'bigint': case 'decimal': case 'float': case 'double': return '0';
    case 'bit': return "b'0'";
    case 'char': case 'varchar': case 'tinytext': case 'text': case 'mediumtext': case 'longtext': case 'set':
    case 'varbinary': case 'tinyblob': case 'blob': case 'mediumblob': case 'longblob': return "''";
    // The first member.
    case 'enum': return '1';
    default: return null;
  }
}
