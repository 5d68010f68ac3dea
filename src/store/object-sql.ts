import type { Connection } from 'mysql2/promise';
import { fileNumber, type Position } from '../core/position.ts';
import { rows, run } from '../core/mysql.ts';
import type { AdoptedObjects, ObjectChange } from '../schema/objects/object-change.ts';
import type { ObjectDefinition, ObjectKind, ObjectName } from '../schema/objects/object.ts';
import { fileBase } from '../core/position.ts';
import type { Ledger } from './ledger.ts';
import type { LogScope } from './log-sql.ts';
import type { SourceRecord, StoredCheckpoint } from './registry.ts';

/** The entry that says that a schema was read as a whole. */
export const COMPLETE = 'SCHEMA';
const IN_FORCE = 'source_id = ? AND incarnation_id = ? AND schema_name = ? AND until_number IS NULL';

/** Writes what the history of objects must learn, in order. */
export async function applyObjectChanges(connection: Connection, scope: LogScope, changes: readonly ObjectChange[]): Promise<void> {
  for (const change of changes) await apply(connection, scope, change);
}

async function apply(connection: Connection, scope: LogScope, change: ObjectChange): Promise<void> {
  const life = [scope.sourceId, scope.incarnationId];
  const table = scope.ledger.table('objects');
  switch (change.kind) {
    case 'opened': { await insert(connection, scope, change.of, change.from, null); return; }
    case 'seeded': { await insert(connection, scope, change.of, change.from, change.definition); return; }
    case 'complete':
      // The account may see more than it did when the schema was read before.
      await run(connection, `UPDATE ${table} SET until_number = ?, until_offset = ? WHERE ${IN_FORCE} AND kind = '${COMPLETE}'`, [fileNumber(change.from.file), change.from.offset, ...life, change.schema]);
      await insert(connection, scope, { schema: change.schema, kind: COMPLETE, name: '' }, change.from, { kinds: change.kinds });
      return;
    case 'filled': {
      const { schema, kind, name } = change.of;
      await run(connection, `UPDATE ${table} SET proven = 1, definition = ? WHERE ${IN_FORCE} AND kind = ? AND name = ?`, [JSON.stringify(change.definition), ...life, schema, kind, name]);
      return;
    }
    case 'ended': {
      const { of, schema, at } = change;
      await run(connection, `UPDATE ${table} SET until_number = ?, until_offset = ? WHERE ${IN_FORCE}${of === null ? '' : ' AND kind = ? AND name = ?'}`,
        [fileNumber(at.file), at.offset, ...life, schema, ...(of === null ? [] : [of.kind, of.name])]);
    }
  }
}

async function insert(
  connection: Connection, scope: LogScope, { schema, kind, name }: { readonly schema: string; readonly kind: string; readonly name: string }, from: Position, definition: object | null,
): Promise<void> {
  await run(connection,
    `INSERT INTO ${scope.ledger.table('objects')} (source_id, incarnation_id, schema_name, kind, name, from_number, from_offset, proven, definition) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [scope.sourceId, scope.incarnationId, schema, kind, name, fileNumber(from.file), from.offset, definition === null ? 0 : 1, definition && JSON.stringify(definition)]);
}

/** What the ledger holds at the checkpoint. */
export async function objectsInForce(connection: Connection, ledger: Ledger, source: SourceRecord, { incarnation, position }: StoredCheckpoint): Promise<AdoptedObjects> {
  const found = await rows<{ schema_name: string; kind: string; name: string; from_number: number; from_offset: string; proven: number; detail: string | null }>(connection,
    `SELECT schema_name, kind, name, from_number, from_offset, proven, IF(kind IN ('TRIGGERS', '${COMPLETE}'), definition, NULL) AS detail FROM ${ledger.table('objects')}
     WHERE source_id = ? AND incarnation_id = ? AND until_number IS NULL`, [source.id, incarnation.id]);
  const entries = found.filter(({ kind }) => kind !== COMPLETE).map((entry) => ({
    of: { schema: entry.schema_name, kind: entry.kind as ObjectKind, name: entry.name } satisfies ObjectName,
    from: { file: fileNamed(position.file, entry.from_number), offset: Number(entry.from_offset) },
    triggers: entry.detail === null ? [] : (JSON.parse(entry.detail) as ObjectDefinition).texts,
    proven: entry.proven,
  }));
  return {
    known: entries.filter(({ proven }) => proven === 1),
    unknown: entries.filter(({ proven }) => proven === 0),
    complete: found.filter(({ kind }) => kind === COMPLETE).map(({ schema_name: schema, detail }) => ({ schema, kinds: (JSON.parse(detail!) as { readonly kinds: readonly ObjectKind[] }).kinds })),
  };
}

/** The ledger keeps the number of a file only. */
function fileNamed(like: string, number: number): string {
  const base = fileBase(like);
  return `${base}.${String(number).padStart(like.length - base.length - 1, '0')}`;
}
