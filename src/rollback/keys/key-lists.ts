import type { KeyDefinition, TableDefinition } from '../../schema/definition.ts';
import { foreignKeyColumns } from '../../schema/foreign-key-columns.ts';
import type { KeyColumn } from '../choose-key.ts';
import type { KeyShape, TableShape } from '../shape.ts';

/** Columns whose values together are looked for: of a key, of a foreign key, or all of a table without a key. */
export interface KeyList {
  /** Indexes of columns in the table. */
  readonly columns: readonly number[];
  /** All columns byte for byte, NULL included: the identity of a row that has no key. */
  readonly whole: boolean;
  /** Of a key over parts of columns: how many characters or bytes of each column count, null for all. */
  readonly prefixes?: readonly (number | null)[];
}

/** Why values of a unique key cannot be compared by its columns alone; null when they can. */
export function incomparable(key: KeyDefinition): string | null {
  if (key.parts.some(({ column }) => column === null)) return 'is over an expression';
  return key.parts.some(({ prefix }) => prefix !== null) ? 'is over a part of a column only' : null;
}

/** The columns of a unique key, over parts of them as well; null for an expression or a column that is not there. */
export function uniqueList(definition: TableDefinition, { parts }: KeyDefinition): KeyList | null {
  const places = parts.some(({ column }) => column === null) ? null : placesOf(definition, parts.map(({ column }) => column!));
  if (places === null) return null;
  const sorted = parts.map(({ prefix }, i) => ({ place: places[i]!, prefix })).sort((a, b) => a.place - b.place);
  const columns = sorted.map(({ place }) => place);
  return sorted.every(({ prefix }) => prefix === null) ? { columns, whole: false } : { columns, whole: false, prefixes: sorted.map(({ prefix }) => prefix) };
}

/** The places of named columns; null when one is not there. */
export function placesOf(definition: TableDefinition, names: readonly string[]): number[] | null {
  const places = names.map((name) => definition.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase()));
  return places.includes(-1) ? null : places;
}

/** What finds a row again: its key, or all that it holds. */
export function identityList({ key, columns }: { readonly key: KeyShape; readonly columns: readonly KeyColumn[] }): KeyList {
  return key.kind === 'none'
    ? { columns: columns.filter(({ generated }) => !generated).map(({ index }) => index), whole: true }
    : { columns: ascending(key.columns), whole: false };
}

/** The lists that capture keeps sets of: the row's identity, unique keys, and foreign keys that the table declares. Each once. */
export function captureLists(shape: TableShape): KeyList[] {
  const { definition } = shape;
  const lists = [
    identityList(shape),
    ...definition.keys.filter((key) => key.unique && incomparable(key) === null).map((key) => key.parts.map(({ column }) => column!)),
    ...foreignKeyColumns(definition.sql),
  ].map((list): KeyList | null => {
    if ('whole' in list) return list;
    const places = placesOf(definition, list);
    return places && { columns: ascending(places), whole: false };
  }).filter((list) => list !== null);
  return [...new Map(lists.map((list) => [listId(list), list])).values()];
}

export const ascending = (columns: readonly number[]): number[] => [...columns].sort((a, b) => a - b);

export function listId({ columns, whole, prefixes }: KeyList): string {
  return `${whole ? 'row ' : ''}${columns.join(',')}${prefixes ? ` parts ${prefixes.join(',')}` : ''}`;
}
