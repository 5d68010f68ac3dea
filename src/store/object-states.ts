import type { Connection } from 'mysql2/promise';
import type { DdlStatement, TableName } from '../binlog/sql/classify.ts';
import { rows } from '../core/mysql.ts';
import { fileNumber, type Position } from '../core/position.ts';
import { objectKey, type ObjectDefinition, type ObjectKind, type ObjectName } from '../schema/objects/object.ts';
import type { ObjectStates } from '../schema/objects/object-states.ts';
import type { Ledger } from './ledger.ts';
import type { StoredTransaction } from './log-reader.ts';
import { COMPLETE } from './object-sql.ts';

interface EntryRow {
  readonly schema_name: string; readonly kind: string; readonly name: string; readonly begun: number | string; readonly ended: number | string; readonly lasts: number | string;
  readonly proven: number; readonly definition: string | null;
}

/** What the history of objects knows around a transaction with DDL: what it ended and made, and what was whole before it. */
export async function objectStates(
  connection: Connection, ledger: Ledger, sourceId: number, { incarnationId, start, end }: StoredTransaction, schemas: readonly string[], names: readonly ObjectName[],
): Promise<ObjectStates> {
  const at = ({ file, offset }: Position): [number, number] => [fileNumber(file), offset];
  const scope = [...new Set([...schemas, ...names.map(({ schema }) => schema)])];
  const after = (column: string): string => `(${column}_number > ? OR (${column}_number = ? AND ${column}_offset > ?))`;
  const bound = (position: Position): number[] => [at(position)[0], ...at(position)];
  const found = scope.length === 0 ? [] : await rows<EntryRow>(connection,
    `SELECT schema_name, kind, name, proven, definition, ${after('from')} AS begun, until_number IS NOT NULL AND NOT ${after('until')} AS ended, until_number IS NULL AS lasts
     FROM ${ledger.table('objects')} WHERE source_id = ? AND incarnation_id = ? AND schema_name IN (${scope.map(() => '?').join(', ')})
       AND NOT ${after('from')} AND (until_number IS NULL OR ${after('until')})
       AND (kind = '${COMPLETE}' OR NOT (until_number IS NULL OR ${after('until')})${names.length === 0 ? '' : ` OR (kind, name) IN (${names.map(() => '(?, ?)').join(', ')})`})`,
    [...bound(start), ...bound(end), sourceId, incarnationId, ...scope, ...bound(end), ...bound(start), ...bound(end), ...names.flatMap(({ kind, name }) => [kind, name])]);
  const read = found.filter(({ kind }) => kind !== COMPLETE).map((entry) => ({
    of: { schema: entry.schema_name, kind: entry.kind as ObjectKind, name: entry.name },
    begun: Number(entry.begun) === 1,
    ended: Number(entry.ended) === 1,
    lasts: Number(entry.lasts) === 1,
    definition: entry.proven === 1 && entry.definition !== null ? JSON.parse(entry.definition) as ObjectDefinition : null,
  }));
  const entries = read.filter(({ begun }) => !begun);
  const complete = ({ schema, kind }: ObjectName): boolean => found.some((entry) => entry.kind === COMPLETE && Number(entry.begun) === 0 && entry.schema_name === schema
    && (JSON.parse(entry.definition ?? '{"kinds":[]}') as { kinds: ObjectKind[] }).kinds.includes(kind));
  return {
    before: (name) => {
      const entry = entries.find(({ of }) => objectKey(of) === objectKey(name));
      if (entry) return entry.definition ?? undefined;
      return complete(name) ? null : undefined;
    },
    after: (name) => read.find(({ of, begun, lasts }) => begun && lasts && objectKey(of) === objectKey(name))?.definition ?? undefined,
    ended: entries.filter(({ ended }) => ended),
  };
}

/** Objects that a statement's undo asks for though the statement may not have ended them. */
export function objectsAsked({ object, name, database, renames, ifExists }: DdlStatement, { schema, table }: TableName): ObjectName[] {
  if (database !== null) return [{ schema: database, kind: 'DATABASE', name: '' }];
  switch (object) {
    case 'VIEW': case 'SEQUENCE': return [{ schema, kind: object, name: table }];
    case 'PROCEDURE': case 'FUNCTION': case 'EVENT': return name === null ? [] : [{ schema: name.schema, kind: object, name: name.table }];
    case 'TRIGGER': return table === '' ? [] : [{ schema, kind: 'TRIGGERS', name: table }];
    case 'TABLE': return [
      { schema, kind: 'TRIGGERS', name: table }, { schema, kind: 'SEQUENCE', name: table },
      // Views and sequences are renamed as tables are; IF EXISTS asks whether there was any.
      ...(ifExists ? renames.flatMap(({ from }) => (['VIEW', 'SEQUENCE'] as const).map((kind): ObjectName => ({ schema: from.schema, kind, name: from.table }))) : []),
    ];
    default: return [];
  }
}
