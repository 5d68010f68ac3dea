import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { row } from '../core/mysql.ts';
import { fileNumber, formatPosition } from '../core/position.ts';
import type { Ledger } from '../store/ledger.ts';
import { narrowest, readPurgePoints, type PurgePoint } from '../store/retention-points.ts';
import { inTableScope } from './conditions.ts';
import { formatMicros } from './datetime.ts';
import { formatTable, type Selection, type TableName } from './selection.ts';

/** History that retention has removed. */
export interface PurgedHistory {
  readonly point: PurgePoint;
  /** For messages: what is gone, and where the log begins instead. */
  readonly reason: string;
}

/** `<seconds>_<thread>_<life><file number, 7><offset, 11><operation, 6>`: capture/opid.ts */
const OPID = /^\d+_\d+_\d*?(\d{7})(\d{11})\d{6}$/;

function reasonOf(point: PurgePoint): string {
  const what = point.schema === '' ? 'history' : `the history of ${point.table === '' ? `database ${point.schema}` : formatTable(point)}`;
  return `retention has removed ${what} before ${formatPosition(point.position)} (${formatMicros(point.commitMicros)}), where the log begins now`;
}

/** Whether an operation that the log does not hold lies before a point, by the position in its id. */
function liesBefore(opid: string, { position }: PurgePoint): boolean {
  const [, file, offset] = OPID.exec(opid) ?? [];
  const number = fileNumber(position.file);
  return file !== undefined && (Number(file) < number || (Number(file) === number && Number(offset) < position.offset));
}

/** @throws UndoError NOT_COVERED for operations that retention has removed. */
export async function refusePurgedOpids(connection: Connection, ledger: Ledger, sourceId: number, opids: readonly string[]): Promise<void> {
  if (opids.length === 0) return;
  const points = await readPurgePoints(connection, ledger, sourceId);
  for (const opid of opids) {
    const found = await row<{ state: string; schema_name: string; table_name: string }>(connection,
      `SELECT state, schema_name, table_name FROM ${ledger.table('operations')} WHERE opid = ? AND source_id = ?`, [opid, sourceId]);
    const point = found === null ? points.find((candidate) => candidate.schema === '' && liesBefore(opid, candidate))
      : found.state === 'purged' ? narrowest(points, found.schema_name, found.table_name) : null;
    if (point) throw new UndoError('NOT_COVERED', `The operation ${JSON.stringify(opid)} is not in the log any more: ${reasonOf(point)}.`);
  }
}

/** Where history begins for what a selection names: the latest point among its tables; null when nothing of it was removed. */
export async function purgedBefore(connection: Connection, ledger: Ledger, sourceId: number, selection: Selection): Promise<PurgedHistory | null> {
  // Operations named one by one are there or not, whatever lies around them.
  if (selection.opids.length > 0) return null;
  const points = await readPurgePoints(connection, ledger, sourceId);
  const found = pointsFor(points, selection);
  const latest = found.reduce<PurgePoint | null>((last, point) => (last === null || point.ordinal > last.ordinal ? point : last), null);
  return latest && latest.ordinal > 1 ? { point: latest, reason: reasonOf(latest) } : null;
}

function pointsFor(points: readonly PurgePoint[], selection: Selection): PurgePoint[] {
  const tables: TableName[] = [...selection.tables];
  const schemas = selection.databases.filter((database) => !tables.some(({ schema }) => schema === database));
  if (tables.length + schemas.length === 0) return points.filter(({ schema }) => schema === '');
  return [
    ...tables.map(({ schema, table }) => narrowest(points, schema, table)),
    ...schemas.map((schema) => narrowest(points, schema, '')),
  ].filter((point) => point !== null);
}

/** Of tables that are meant without being named, those whose history begins inside the range; one sentence each. */
export async function purgedInRange(connection: Connection, ledger: Ledger, sourceId: number, from: number, selection: Selection): Promise<string[]> {
  const points = await readPurgePoints(connection, ledger, sourceId);
  return points.filter((point) => point.schema !== '' && point.ordinal > from && inTableScope(selection, point.schema, point.table)).map(reasonOf);
}
