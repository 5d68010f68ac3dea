import { parseTableMap } from '../../binlog/table-map.ts';
import { UndoError } from '../../core/errors.ts';
import { buildShape, captureLists, hashed, KeyReader, shapeMark } from '../../rollback/index.ts';
import type { TableDefinition } from '../../schema/definition.ts';
import type { DefinitionTracker } from '../../schema/tracker.ts';
import type { KeysOf, RowKeys } from '../../store/key-collector.ts';

interface Known {
  readonly tableMap: Buffer;
  readonly definition: TableDefinition;
  readonly keys: RowKeys | null;
}

const MOST_TABLES = 10_000;
/** The table's id and flags, which tell of the statement. */
const LEAD_BYTES = 8;

/** Servers give a table another id each time they open it: all that follows is the same. */
function sameTable(a: Buffer, b: Buffer): boolean {
  return a === b || a.compare(b, LEAD_BYTES, b.length, LEAD_BYTES, a.length) === 0;
}

/**
 * How the keys of captured rows are hashed: by the newest definition that was read. It need not be the one of the rows' own
 * time: a set names what it was made with, and whoever looks for other keys reads the rows.
 */
export function keysOf(tracker: Pick<DefinitionTracker, 'newest'>): KeysOf {
  const known = new Map<string, Known>();
  return (schema, table, tableMap) => {
    const definition = tracker.newest(schema, table);
    if (definition === null) return null;
    const name = `${schema}\0${table}`;
    const before = known.get(name);
    if (before?.definition === definition && sameTable(before.tableMap, tableMap)) return before.keys;
    const keys = compile(tableMap, definition);
    if (known.size >= MOST_TABLES) known.clear();
    known.set(name, { tableMap, definition, keys });
    return keys;
  };
}

/** @returns null when the two do not belong together, or when this release does not undo such rows. */
function compile(tableMap: Buffer, definition: TableDefinition): RowKeys | null {
  try {
    const shape = buildShape(parseTableMap(tableMap, 0, tableMap.length), definition);
    const lists = captureLists(shape).map(hashed);
    const reader = new KeyReader(shape, lists);
    return { mark: shapeMark(definition), lists, read: (rows, each) => reader.read(rows, (_row, before, after) => { each(before, after); }) };
  } catch (error) {
    if (error instanceof UndoError) return null;
    throw error;
  }
}
