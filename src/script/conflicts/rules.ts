import { chooseKey, hashed, identityList, listId, placesOf, seedOf, uniqueList, type HashedList } from '../../rollback/index.ts';
import type { TableDefinition } from '../../schema/definition.ts';
import type { ForeignKey } from '../foreign-keys.ts';
import type { ConflictKind } from './types.ts';

/** The set of a table's key hashes in which values are looked for: its columns, as capture hashes them. */
export interface Probe {
  readonly id: string;
  readonly schema: string;
  readonly table: string;
  readonly list: HashedList;
}

/** A list of columns of one image whose values meet others in a space. */
export interface Rule {
  readonly space: string;
  readonly kind: ConflictKind;
  readonly image: 'before' | 'after';
  /** Of an update, only if it changed the values. */
  readonly ifChanged: boolean;
  readonly list: HashedList;
  readonly probe: Probe;
}

/** What of a table's changes is compared. */
export interface TableRules {
  /** Needed by the undo of a change. */
  readonly checks: readonly Rule[];
  /** In the way of the undo of an earlier change. */
  readonly emits: readonly Rule[];
  /** Unique keys that are not compared, and why. */
  readonly left: readonly string[];
}

/**
 * The undo of a change needs: the row that it left (unless it deleted it), the key values that the row had before, no child
 * that refers to a key which the undo takes away, and the parent of a reference that the undo brings back. A later change is
 * in the way when it changed that row, took such a value, made such a reference, or took away such a parent.
 * @param definitionOf of the tables at the other end of foreign keys, as they are now.
 */
export function rulesOf(definition: TableDefinition, keys: readonly ForeignKey[], definitionOf: (schema: string, table: string) => TableDefinition | null): TableRules {
  const { schema, table } = definition;
  const columns = definition.columns.map(({ name, generated, nullable }, index) => ({ index, name, generated: generated !== null, nullable }));
  const checks: Rule[] = [];
  const emits: Rule[] = [];
  const left: string[] = [];
  const identity = hashed(identityList({ key: chooseKey(definition, columns), columns }));
  const row = { space: `row ${schema}.${table}`, kind: 'row', list: identity, probe: probeOf(schema, table, identity), ifChanged: false } as const;
  checks.push({ ...row, image: 'after' });
  emits.push({ ...row, image: 'before' });
  for (const key of definition.keys.filter(({ unique }) => unique)) {
    const found = uniqueList(definition, key);
    if (found === null) {
      left.push(`${key.name} ${key.parts.some(({ column }) => column === null) ? 'is over an expression' : 'has a column that is not known'}`);
      continue;
    }
    const list = hashed(found);
    const taken = { space: `key ${schema}.${table} ${key.name}`, kind: key.primary ? 'primary-key' : 'unique-key', list, probe: probeOf(schema, table, list), ifChanged: true } as const;
    checks.push({ ...taken, image: 'before' });
    emits.push({ ...taken, image: 'after' });
  }
  for (const key of keys) addForeignKey(key, definition, definitionOf, checks, emits);
  return { checks, emits, left };
}

function addForeignKey(key: ForeignKey, own: TableDefinition, definitionOf: (schema: string, table: string) => TableDefinition | null, checks: Rule[], emits: Rule[]): void {
  const child = definitionOf(key.child.schema, key.child.table);
  const parent = definitionOf(key.parent.schema, key.parent.table);
  const childPlaces = child && placesOf(child, key.columns.map((column) => column.child));
  const parentPlaces = parent && placesOf(parent, key.columns.map((column) => column.parent));
  if (!childPlaces || !parentPlaces) return;
  const pairs = childPlaces.map((place, i) => ({ child: place, parent: parentPlaces[i]! }));
  const byChild = [...pairs].sort((a, b) => a.child - b.child);
  const byParent = [...pairs].sort((a, b) => a.parent - b.parent);
  const childSeed = seedOf(byChild.map(({ child: c }) => c), false);
  const parentSeed = seedOf(byParent.map(({ parent: p }) => p), false);
  const list = (columns: readonly number[], seed: number): HashedList => ({ columns, whole: false, seed });
  const childList = list(byChild.map(({ child: c }) => c), childSeed);
  const parentList = list(byParent.map(({ parent: p }) => p), parentSeed);
  const name = `${key.child.schema}.${key.child.table} ${key.name}`;
  const refer = { space: `refers ${name}`, kind: 'foreign-key', ifChanged: true, probe: probeOf(key.child.schema, key.child.table, childList) } as const;
  const gone = { space: `gone ${name}`, kind: 'foreign-key', ifChanged: true, probe: probeOf(key.parent.schema, key.parent.table, parentList) } as const;
  if (key.parent.schema === own.schema && key.parent.table === own.table) {
    checks.push({ ...refer, image: 'after', list: list(byChild.map(({ parent: p }) => p), childSeed) });
    emits.push({ ...gone, image: 'before', list: parentList });
  }
  if (key.child.schema === own.schema && key.child.table === own.table) {
    checks.push({ ...gone, image: 'before', list: list(byParent.map(({ child: c }) => c), parentSeed) });
    emits.push({ ...refer, image: 'after', list: childList });
  }
}

function probeOf(schema: string, table: string, list: HashedList): Probe {
  return { id: `${schema}\0${table}\0${listId(list)}`, schema, table, list };
}
