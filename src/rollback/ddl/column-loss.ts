import type { ColumnDefinition, TableDefinition } from '../../schema/definition.ts';
import type { ColumnRenames } from '../carry-over.ts';
import { hasRoom } from '../value-room.ts';

/** Which columns' values an ALTER TABLE took away or may have cut, in words; null for none. */
export function columnLoss(before: TableDefinition, after: TableDefinition, renames: ColumnRenames): string | null {
  const places = new Map(after.columns.map((column) => [column.name.toLowerCase(), column]));
  const now = (column: ColumnDefinition): ColumnDefinition | undefined => {
    const renamed = renames.find(({ from }) => from.toLowerCase() === column.name.toLowerCase());
    if (!renamed && renames.some(({ to }) => to.toLowerCase() === column.name.toLowerCase())) return undefined;
    return places.get((renamed?.to ?? column.name).toLowerCase());
  };
  const base = before.columns.filter(({ generated }) => generated === null);
  const gone = base.filter((column) => (now(column)?.generated ?? null) !== null || !now(column)).map(({ name }) => name);
  const cut = base.filter((column) => now(column)?.generated === null && !hasRoom(column, now(column)!)).map(({ name }) => name);
  const say = (names: readonly string[], what: string): string[] => (names.length === 0 ? [] : [`${what} column${names.length === 1 ? '' : 's'} ${names.join(', ')}`]);
  return [...say(gone, 'values of'), ...say(cut, 'what did not fit of')].join(', ') || null;
}
