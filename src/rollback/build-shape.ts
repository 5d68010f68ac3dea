import type { TableMap } from '../binlog/types.ts';
import { UndoError } from '../core/errors.ts';
import { quoteTable } from '../core/identifiers.ts';
import type { TableDefinition } from '../schema/definition.ts';
import { fillerOf, type CarryOver } from './carry-over.ts';
import { chooseKey } from './choose-key.ts';
import { fitColumn } from './column-fit.ts';
import { valueEmitter } from './literals/literal.ts';
import { columnLength } from './locate.ts';
import { membersMoved, membersOf } from './members.ts';
import type { ColumnShape, TableShape } from './shape.ts';
import { convertedTo } from './value-room.ts';

/** Where rows go whose definition is not today's any more. */
export interface Today {
  readonly definition: TableDefinition;
  readonly carry: CarryOver;
}

/**
 * Joins what the binlog says of a table with the definition of its rows' time.
 * @param today the table as it is now, where that is another one.
 * @throws UndoError DEFINITION_UNKNOWN when they do not belong together; NOT_UNDOABLE for system-versioned tables and sequences.
 */
export function buildShape(map: TableMap, definition: TableDefinition, today: Today | null = null): TableShape {
  const name = quoteTable(map.schema, map.table);
  const now = today?.definition ?? definition;
  if (definition.systemVersioned || now.systemVersioned) throw new UndoError('NOT_UNDOABLE', `${name} is system-versioned; this release does not undo its rows.`);
  if (definition.sequence) throw new UndoError('NOT_UNDOABLE', `${name} is a sequence; this release does not undo its rows.`);
  if (map.columns.length !== definition.columns.length) {
    throw new UndoError('DEFINITION_UNKNOWN', `${name} has ${map.columns.length} columns in the binlog, ${definition.columns.length} in the definition at hand.`);
  }
  const indexed = new Set(now.keys.flatMap((key) => key.parts.map((part) => part.column?.toLowerCase())));
  const columns = definition.columns.map((then, index): ColumnShape => {
    const source = map.columns[index]!;
    // One that was computed and is gone has no place: its value is passed over as that of any generated column.
    const column = today ? today.carry.columns[index] ?? { ...then, generated: then.generated ?? 'virtual' } : then;
    const fit = fitColumn(source, then);
    if ('misfit' in fit) throw new UndoError('DEFINITION_UNKNOWN', `Column ${then.name} of ${name} ${fit.misfit}.`);
    const shape: ColumnShape = {
      ...fit, index, name: column.name, type: source.type, meta: source.meta, nullable: source.nullable,
      generated: column.generated !== null, autoIncrement: column.autoIncrement, onUpdateNow: column.onUpdateNow,
      relabelling: membersMoved(then, column) ? { then: membersOf(then), now: membersOf(column) } : null,
      storedAs: convertedTo(then, column),
      indexed: indexed.has(column.name.toLowerCase()),
    };
    assertReadable(shape);
    return shape;
  });
  const added = today?.carry.added ?? [];
  const fillers = added.filter((column) => !column.hasDefault).map((column) => ({ name: column.name, value: fillerOf(column) ?? 'DEFAULT' }));
  return { schema: now.schema, table: now.table, columns, key: chooseKey(now, columns), fillers, definition: now };
}

/** Has a column's length and literal looked up, so that one without them is refused here and not at its first row. */
function assertReadable(column: ColumnShape): void {
  columnLength(column);
  valueEmitter(column, 'utc');
}

/** True when `buildShape` would find that the two belong together. */
export function definitionFits(map: TableMap, definition: TableDefinition): boolean {
  return map.columns.length === definition.columns.length
    && definition.columns.every((column, index) => !('misfit' in fitColumn(map.columns[index]!, column)));
}
