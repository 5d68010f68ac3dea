import type { KeyDefinition, TableDefinition } from '../schema/definition.ts';
import type { KeyShape } from './shape.ts';

/** What of a row's column matters here: whether it can be part of a key that names the row. */
export interface KeyColumn {
  readonly index: number;
  /** As the table calls it now. */
  readonly name: string;
  readonly generated: boolean;
  readonly nullable: boolean;
}

/** The primary key; else the unique NOT NULL key of fewest columns, then by name; else none. Equal tables choose equally. */
export function chooseKey(definition: TableDefinition, columns: readonly KeyColumn[]): KeyShape {
  const places = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  const nullable = new Set(definition.columns.filter((column) => column.nullable).map((column) => column.name.toLowerCase()));
  const partsOf = (key: KeyDefinition): KeyColumn[] | null => {
    const parts = key.parts.map((part) => (part.column === null ? undefined : places.get(part.column.toLowerCase())));
    const names = (part: KeyColumn | undefined): boolean => part !== undefined && !part.generated && !part.nullable && !nullable.has(part.name.toLowerCase());
    return parts.length > 0 && parts.every(names) ? (parts as KeyColumn[]) : null;
  };
  const primary = definition.keys.find((key) => key.primary);
  const primaryParts = primary ? partsOf(primary) : null;
  if (primaryParts) return { kind: 'primary', columns: primaryParts.map((part) => part.index) };
  const [unique] = definition.keys
    .filter((key) => key.unique && !key.primary && key.parts.every((part) => part.prefix === null))
    .flatMap((key) => {
      const parts = partsOf(key);
      return parts ? [{ name: key.name, parts }] : [];
    })
    .sort((a, b) => a.parts.length - b.parts.length || (a.name < b.name ? -1 : 1));
  return unique ? { kind: 'unique', columns: unique.parts.map((part) => part.index) } : { kind: 'none', columns: [] };
}
