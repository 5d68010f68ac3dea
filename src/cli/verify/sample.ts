import type { Connection } from 'mysql2/promise';
import { UndoError, reasonOf } from '../../core/errors.ts';
import { openConnection, rows, run, serverErrorNumber, type ServerEndpoint } from '../../core/mysql.ts';
import { formatPosition } from '../../core/position.ts';
import { currentBinlogPosition, probeServer, type ServerCapabilities } from '../../core/server.ts';
import { scriptSessionSettings } from '../../rollback/index.ts';
import { CLI_DIALECT, readSelection, type ScriptContext } from '../../script/index.ts';
import { RangeResolver, type LogRange } from '../../script/range.ts';
import type { Difference } from './comparison.ts';
import { LiveTables } from './live-tables.ts';
import { newestChanges, type Gone, type Look, type Stretch } from './newest-changes.ts';

/** What the newest changes left, held against the rows of the source as they are now. */
export interface SampleReport {
  readonly operations: number;
  /** One for each row, and for each value of a unique key that a row has given up. */
  readonly looks: number;
  /** Rows that are not as their newest change left them. */
  readonly different: number;
  /** Rows that were changed on the source while this went on, as the log knows by now. */
  readonly changedSince: number;
  /** Rows that somebody held locked, so that nothing can be said of them. */
  readonly locked: number;
  /** Tables of which not all of their changes in the sample could be held against their rows. */
  readonly leftOut: readonly { readonly table: string; readonly why: string }[];
  /** The first hundred. */
  readonly differences: readonly Difference[];
}

/** Bounds of one sample, whatever count was asked for. */
const MOST_LOOKS = 10_000;
/** Where most of the log is of tables that cannot be compared, it is not gone through to its begin. */
const MOST_TRANSACTIONS = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;
const TOLD = 100;

const LOCK_WAIT_SECONDS = 5;
/** Lock wait timeout, deadlock, and a row that was changed meanwhile (MariaDB). */
const BUSY: ReadonlySet<number> = new Set([1205, 1213, 1020]);
/** No right to the table, or to a column of it. */
const DENIED: ReadonlySet<number> = new Set([1142, 1143]);
/** The table or a column is not there any more. */
const ALTERED: ReadonlySet<number> = new Set([1146, 1054, 1051]);

interface Found extends Look {
  readonly key: string;
  readonly problem: string;
}

/**
 * Goes back from the newest operation of the log over so many, and looks at each of their rows on the source. A row that differs is looked
 * at again under a lock, so that no commit is under way, and then searched for in all that the log has got until that moment.
 * @throws UndoError NOT_COVERED when the log does not reach that far, so that nothing can be said of rows that differ.
 */
export async function sampleLiveRows(context: ScriptContext, source: ServerEndpoint, range: LogRange, count: number, wait: number | null): Promise<SampleReport> {
  const live = await openConnection(source);
  try {
    const server = await probeServer(live);
    for (const statement of [...scriptSessionSettings(server.flavour), `SET SESSION innodb_lock_wait_timeout=${LOCK_WAIT_SECONDS}`]) await run(live, statement);
    const scope = {
      connection: context.connection, ledger: context.ledger, sourceId: range.source.id, incarnationId: range.incarnationId, source, live,
      flavour: server.flavour, version: server.version.raw,
    };
    const tables = await LiveTables.open(scope);
    const end = await endOfLog(context, range);
    const stretch: Stretch = { ...scope, from: Math.max(1, end - MOST_TRANSACTIONS - count), to: end, tables: null, mostOperations: count };
    const gone: Gone = { operations: 0, looks: 0 };
    const suspects = await firstLook(context, live, server, stretch, tables, gone);
    const { found, locked } = await lookAgain(live, suspects);
    const lasting = found.length === 0 ? found : await stillNewest(context, live, server, range, { ...stretch, mostOperations: Number.POSITIVE_INFINITY }, found, wait, () => LiveTables.open(scope));
    return {
      operations: gone.operations, looks: gone.looks, different: lasting.length, changedSince: suspects.length - locked - lasting.length, locked,
      leftOut: [...tables.leftOut.values()].map(({ schema, table, why }) => ({ table: `${schema}.${table}`, why })),
      differences: lasting.slice(0, TOLD).map(({ schema, table, position, opid, key, problem }) => ({ kind: 'live', position, opid, what: `${schema}.${table} ${key}: ${problem}` })),
    };
  } finally {
    live.destroy();
  }
}

async function endOfLog({ connection, ledger }: ScriptContext, range: LogRange): Promise<number> {
  const [found] = await rows<{ next: string }>(connection, `SELECT next_ordinal AS next FROM ${ledger.table('checkpoints')} WHERE source_id = ?`, [range.source.id]);
  return Number(found?.next ?? range.to);
}

async function firstLook(context: ScriptContext, live: Connection, { maxAllowedPacket }: ServerCapabilities, stretch: Stretch, tables: LiveTables, gone: Gone): Promise<Found[]> {
  const suspects: Found[] = [];
  let bytes = 0;
  for await (const look of newestChanges(context, stretch, tables, gone)) {
    bytes += look.sql.length;
    // One of more bytes would end the connection.
    if (Buffer.byteLength(look.sql) >= maxAllowedPacket - 1024) tables.leaveOut(look.schema, look.table, 'rows larger than max_allowed_packet of the source takes in a statement');
    else if (tables.isOpen(look.schema, look.table)) {
      try {
        const found = await lookAt(live, look);
        if (found) suspects.push(found);
      } catch (error) {
        if (!ALTERED.has(serverErrorNumber(error) ?? 0)) throw error;
        tables.close(look.schema, look.table, reasonOf(error));
      }
    }
    if (gone.looks >= MOST_LOOKS || bytes >= MOST_BYTES) break;
  }
  return suspects;
}

async function lookAt(live: Connection, look: Look): Promise<Found | null> {
  try {
    const [found] = await rows<{ key: string | Buffer | null; problem: string }>(live, look.sql);
    return found ? { ...look, key: String(found.key ?? ''), problem: found.problem } : null;
  } catch (error) {
    if (!DENIED.has(serverErrorNumber(error) ?? 0)) throw error;
    throw new UndoError('SOURCE_ACCESS_DENIED', `The rows of ${look.schema}.${look.table} cannot be read: ${reasonOf(error)}.`, { fix: 'The account of the source needs SELECT on the tables; binlog-undo check prints the GRANT.', cause: error });
  }
}

/**
 * Reads the row under a lock, which waits for a transaction that is in the binlog already and not yet committed in the engine, or the other
 * way around.
 */
async function lookAgain(live: Connection, suspects: readonly Found[]): Promise<{ found: Found[]; locked: number }> {
  const found: Found[] = [];
  let locked = 0;
  for (const suspect of suspects) {
    await run(live, 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
    await run(live, 'START TRANSACTION READ ONLY');
    try {
      const again = await lookAt(live, suspect);
      if (again) found.push(again);
    } catch (error) {
      const number = serverErrorNumber(error) ?? 0;
      if (!BUSY.has(number) && !ALTERED.has(number)) throw error;
      locked++;
    } finally {
      await run(live, 'ROLLBACK');
    }
  }
  return { found, locked };
}

/** Those that are what the log, once it has all until now, still holds for the newest of their row. */
async function stillNewest(
  context: ScriptContext, live: Connection, server: ServerCapabilities, range: LogRange, stretch: Stretch, found: readonly Found[], wait: number | null, open: () => Promise<LiveTables>,
): Promise<Found[]> {
  const { file, offset } = await currentBinlogPosition(live, server);
  const reached = await new RangeResolver(context, readSelection({ source: range.source.alias, stop_position: formatPosition({ file, offset }) }, CLI_DIALECT)).resolve(wait ?? DEFAULT_WAIT_SECONDS, true);
  const names = [...new Map(found.map(({ schema, table }) => [`${schema}\0${table}`, { schema, table }])).values()];
  const oldest = Math.min(...found.map(({ ordinal }) => ordinal));
  const newest = new Set<string>();
  const looks = new Set(found.map(changeOf));
  // What the log has to say of these tables now, gaps, DDL and filters included.
  for await (const look of newestChanges(context, { ...stretch, from: oldest, to: Math.max(stretch.to, reached.to), tables: names }, await open(), { operations: 0, looks: 0 })) {
    const change = changeOf(look);
    if (looks.has(change)) newest.add(change);
  }
  return found.filter((one) => newest.has(changeOf(one)));
}

/** The very change that a look is about: a later one that left the row just so again is another, with other rows in between. */
const changeOf = ({ opid, sql }: Look): string => `${opid} ${sql}`;

/** The log is a moment behind the source. */
const DEFAULT_WAIT_SECONDS = 10;
