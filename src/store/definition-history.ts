import type { Connection } from 'mysql2/promise';
import { row, rows, run } from '../core/mysql.ts';
import { fileBase, fileNumber, type Position } from '../core/position.ts';
import { classifyQuery, type TableName } from '../binlog/sql/classify.ts';
import { inputsOf, type DdlEvent, type ReplayableDdl } from '../schema/ddl-event.ts';
import type { SchemaDefaults, TableDefinition } from '../schema/definition.ts';
import type { AdoptedDefinitions, AdoptedReplay } from '../schema/tracker-options.ts';
import type { Ledger } from './ledger.ts';
import { proveWhatWasPassed, UNPROVEN_END, type SourceRecord, type StoredCheckpoint } from './registry.ts';

interface EntryRow {
  schema_name: string; table_name: string; from_number: number; from_offset: string; until_number: number | null; proven: number;
  definition: string | null; ddl: string | null;
}

const FIELDS = 'schema_name, table_name, from_number, from_offset, until_number, proven, definition, ddl';

/** The history of one life of a source's binlog as a session finds it. */
class History {
  readonly #connection: Connection;
  readonly #table: string;
  readonly #scope: readonly number[];
  readonly #files: string;
  readonly #digits: number;

  constructor(connection: Connection, ledger: Ledger, source: SourceRecord, checkpoint: StoredCheckpoint) {
    this.#connection = connection;
    this.#table = ledger.table('definitions');
    this.#scope = [source.id, checkpoint.incarnation.id];
    this.#files = fileBase(checkpoint.position.file);
    this.#digits = checkpoint.position.file.length - this.#files.length - 1;
  }

  /** Where an entry begins; the ledger keeps the number of the file only. */
  from(entry: EntryRow): Position {
    return { file: `${this.#files}.${String(entry.from_number).padStart(this.#digits, '0')}`, offset: Number(entry.from_offset) };
  }

  select(where: string, parameters: readonly (string | number)[] = []): Promise<EntryRow[]> {
    return rows<EntryRow>(this.#connection,
      `SELECT ${FIELDS} FROM ${this.#table} WHERE source_id = ? AND incarnation_id = ? AND ${where}`, [...this.#scope, ...parameters]);
  }

  async update(set: string, where: string, parameters: readonly number[] = []): Promise<void> {
    await run(this.#connection, `UPDATE ${this.#table} SET ${set} WHERE source_id = ? AND incarnation_id = ? AND ${where}`, [...this.#scope, ...parameters]);
  }

  /** What was in force just before a position. */
  async before(name: TableName, at: Position): Promise<EntryRow | null> {
    const number = fileNumber(at.file);
    return row<EntryRow>(this.#connection,
      `SELECT ${FIELDS} FROM ${this.#table} WHERE source_id = ? AND incarnation_id = ? AND schema_name = ? AND table_name = ?
       AND (from_number < ? OR (from_number = ? AND from_offset < ?)) AND (until_number IS NULL OR until_number > ? OR (until_number = ? AND until_offset >= ?))
       ORDER BY from_number DESC, from_offset DESC LIMIT 1`, [...this.#scope, name.schema, name.table, number, number, at.offset, number, number, at.offset]);
  }
}

/**
 * After failover: where the new life begins the data are those of the old one's checkpoint, and so are the definitions. That all tables of a
 * schema are known goes over where that was so; the tables that were still asked for are read on the new server.
 */
export async function carryDefinitions(connection: Connection, ledger: Ledger, source: SourceRecord, { incarnation }: StoredCheckpoint, { position, incarnation: next }: StoredCheckpoint): Promise<void> {
  const table = ledger.table('definitions');
  const number = position.file === '' ? 0 : fileNumber(position.file);
  await run(connection,
    `INSERT INTO ${table} (source_id, incarnation_id, schema_name, table_name, from_number, from_offset, read_number, read_offset, proven, definition)
     SELECT d.source_id, ?, d.schema_name, d.table_name, ?, ?, ?, ?, 1, d.definition FROM ${table} d
     WHERE d.source_id = ? AND d.incarnation_id = ? AND d.until_number IS NULL AND d.proven = 1 AND d.definition IS NOT NULL
       AND (d.table_name <> '' OR NOT EXISTS (SELECT 1 FROM ${table} w WHERE w.source_id = d.source_id AND w.incarnation_id = d.incarnation_id AND w.schema_name = d.schema_name AND w.proven = 0
         AND w.until_number = ${UNPROVEN_END}))`,
    [next.id, number, position.offset, number, position.offset, source.id, incarnation.id]);
}

/**
 * What the ledger holds at the checkpoint. A reading that the stream had not passed yet is forgotten: it is made again.
 * @param carried it was read on another server than the one that is followed now.
 */
export async function definitionsInForce(connection: Connection, ledger: Ledger, source: SourceRecord, checkpoint: StoredCheckpoint, carried = false): Promise<AdoptedDefinitions> {
  const history = new History(connection, ledger, source, checkpoint);
  await proveWhatWasPassed(connection, ledger, source.id, checkpoint);
  await history.update('read_number = from_number, read_offset = from_offset, definition = NULL', 'proven = 0 AND until_number IS NULL');
  const found = await history.select('until_number IS NULL AND ddl IS NULL');
  return {
    start: checkpoint.position,
    carried,
    proven: found.flatMap((entry) => (entry.definition === null ? [] : [{ from: history.from(entry), definition: parse(entry.definition) }])),
    unproven: found.filter(({ proven }) => proven === 0).map((entry) => ({ schema: entry.schema_name, table: entry.table_name, from: history.from(entry) })),
    replays: await replays(history, source.flavour),
  };
}

/** DDL that was waiting to be run again when the last session ended, in order. */
async function replays(history: History, flavour: SourceRecord['flavour']): Promise<AdoptedReplay[]> {
  const waiting = await history.select('proven = 0 AND ddl IS NOT NULL ORDER BY from_number, from_offset, id');
  const found: (Omit<AdoptedReplay, 'left'> & { left: AdoptedReplay['left'][number][] })[] = [];
  for (const entry of waiting) {
    const at = history.from(entry);
    const left = { schema: entry.schema_name, table: entry.table_name, open: entry.until_number === null };
    const last = found.at(-1);
    if (last && last.event.at.file === at.file && last.event.at.offset === at.offset) {
      last.left.push(left);
      continue;
    }
    const replayable = JSON.parse(entry.ddl!) as ReplayableDdl;
    const query = classifyQuery(replayable.sql, { schema: replayable.schema, sqlMode: replayable.session.sqlMode, flavour });
    // Only DDL is written there; text that this release reads otherwise is not run.
    if (query.kind !== 'ddl') {
      await history.update('ddl = NULL', 'from_number = ? AND from_offset = ? AND proven = 0', [entry.from_number, Number(entry.from_offset)]);
      continue;
    }
    const event = { statement: query.statement, schema: replayable.schema, at, replayable };
    found.push({ event, before: await entriesBefore(history, event, at), left: [left] });
  }
  return found;
}

async function entriesBefore(history: History, { statement, schema }: DdlEvent, at: Position): Promise<AdoptedReplay['before']> {
  const before: AdoptedReplay['before'][number][] = [];
  for (const name of inputsOf(statement, schema)) {
    const entry = await history.before(name, at);
    if (entry) before.push({ schema: name.schema, table: name.table, from: history.from(entry), definition: entry.proven === 1 && entry.definition !== null ? parse(entry.definition) : null });
  }
  return before;
}

function parse(text: string): TableDefinition | SchemaDefaults {
  return JSON.parse(text) as TableDefinition | SchemaDefaults;
}
