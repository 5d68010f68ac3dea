import type { Connection } from 'mysql2/promise';
import { CaptureFilter, type FilterSettings } from '../../capture/filter.ts';
import { UndoError } from '../../core/errors.ts';
import { rows, type ServerEndpoint } from '../../core/mysql.ts';
import { cascadesAreLogged, type Flavour } from '../../core/server-version.ts';
import { chooseKey } from '../../rollback/index.ts';
import { readDefinition } from '../../schema/read-definition.ts';
import { tableKey, type TableHistory } from '../../script/definitions.ts';
import { foreignKeysOf, reachesChildren } from '../../script/foreign-keys.ts';
import { COPIED } from '../../store/copy-sql.ts';
import type { Ledger } from '../../store/ledger.ts';
import { readDefinitions, type StoredOperation } from '../../store/log-reader.ts';

interface Scope {
  readonly connection: Connection;
  readonly ledger: Ledger;
  readonly sourceId: number;
  readonly incarnationId: number;
  readonly source: ServerEndpoint;
  /** To the source. */
  readonly live: Connection;
  readonly flavour: Flavour;
  readonly version: string;
}

interface ScopedGap { readonly schema: string | null; readonly table: string | null; readonly ordinal: number }

/** A filter of captured tables, in force up to an ordinal. */
interface PastFilter { readonly filter: CaptureFilter; readonly until: number }

/** Tells of which tables, and from which ordinal on, the log knows all that may have happened to their rows. */
export class LiveTables {
  /** Tables that nothing, or nothing more, can be said of, with the reason. */
  readonly leftOut = new Map<string, { readonly schema: string; readonly table: string; readonly why: string }>();
  readonly #scope: Scope;
  readonly #closed = new Set<string>();
  readonly #histories = new Map<string, TableHistory>();
  readonly #gaps: readonly ScopedGap[];
  readonly #eras: readonly PastFilter[];

  private constructor(scope: Scope, gaps: readonly ScopedGap[], eras: readonly PastFilter[]) {
    this.#scope = scope;
    this.#gaps = gaps;
    this.#eras = eras;
  }

  static async open(scope: Scope): Promise<LiveTables> {
    const { connection, ledger, sourceId } = scope;
    const gaps = await rows<{ schema: string | null; table: string | null; ordinal: string }>(connection,
      `SELECT schema_name AS \`schema\`, table_name AS \`table\`, MAX(ordinal) AS ordinal FROM ${ledger.table('gaps')} WHERE source_id = ? GROUP BY schema_name, table_name`, [sourceId]);
    const eras = await rows<{ filter: string; ordinal: string }>(connection, `SELECT filter, ordinal FROM ${ledger.table('eras')} WHERE source_id = ? ORDER BY id`, [sourceId]);
    return new LiveTables(scope, gaps.map((gap) => ({ ...gap, ordinal: Number(gap.ordinal) })), eras.map(({ filter }, index) => ({
      filter: new CaptureFilter(JSON.parse(filter) as FilterSettings, []), until: index + 1 < eras.length ? Number(eras[index + 1]!.ordinal) : Number.POSITIVE_INFINITY,
    })));
  }

  /** Whether the rows of this operation can be held against the live ones; the operations come newest first. */
  async takes(operation: StoredOperation): Promise<boolean> {
    const { schema, table, ordinal } = operation;
    const key = tableKey(schema, table);
    if (this.#closed.has(key)) return false;
    // Nothing of the table lies before.
    if (operation.type === 'CREATETABLE') {
      this.#closed.add(key);
      return false;
    }
    const why = await this.#obstacle(operation);
    if (why === null) return true;
    this.close(schema, table, `${why}${this.#histories.has(key) ? `, at transaction ${ordinal}` : ''}`);
    return false;
  }

  isOpen(schema: string, table: string): boolean {
    return !this.#closed.has(tableKey(schema, table));
  }

  /** Older changes of a table do not tell how its rows are now. */
  close(schema: string, table: string, why: string): void {
    this.#closed.add(tableKey(schema, table));
    this.leaveOut(schema, table, why);
  }

  /** One change of a table is not looked at. */
  leaveOut(schema: string, table: string, why: string): void {
    const key = tableKey(schema, table);
    if (!this.leftOut.has(key)) this.leftOut.set(key, { schema, table, why });
  }

  history(schema: string, table: string): TableHistory | undefined {
    return this.#histories.get(tableKey(schema, table));
  }

  async #obstacle({ schema, table, ordinal, ddl, type, state }: StoredOperation): Promise<string | null> {
    if (ddl) return `${type} changed the table`;
    if (state !== 'captured') return state === COPIED ? 'an online schema change filled it' : `rows that cannot be read: ${state}`;
    if (this.#gaps.some((gap) => gap.ordinal >= ordinal && (gap.schema === null || (gap.schema === schema && (gap.table === null || gap.table === table))))) return 'a gap';
    if (this.#eras.some(({ filter, until }) => until > ordinal && !filter.captures(schema, table))) return 'it was left out of the log since';
    return this.#histories.has(tableKey(schema, table)) ? null : this.#learn(schema, table);
  }

  /** What the table is now. @returns why its rows cannot be compared. */
  async #learn(schema: string, table: string): Promise<string | null> {
    const { connection, ledger, sourceId, incarnationId, live, flavour, version, source } = this.#scope;
    const present = await readDefinition(live, schema, table);
    if (present === null) return 'it is not there now, or this account has no right to it';
    if (present.systemVersioned || present.sequence) return 'its rows are not those of a plain table';
    if (chooseKey(present, present.columns.map((column, index) => ({ ...column, index, generated: column.generated !== null }))).kind === 'none') return 'it has no key to find its rows by';
    if (!cascadesAreLogged(flavour, version)) {
      const keys = await foreignKeysOf(source, [{ schema, table }]);
      if (keys === null) throw new UndoError('SOURCE_UNREACHABLE', 'The source cannot be asked for its foreign keys.');
      const own = keys.find(({ child, onDelete, onUpdate }) => child.schema === schema && child.table === table && (reachesChildren(onDelete) || reachesChildren(onUpdate)));
      if (own) return `its foreign key ${own.name} changes rows without a word in the binlog`;
    }
    this.#histories.set(tableKey(schema, table), {
      schema, table, present, entries: await readDefinitions(connection, ledger, sourceId, incarnationId, schema, table), renamings: [],
      kinds: { inserted: true, updated: true, deleted: true }, changed: null, added: [], unaltered: true, until: null, ofNow: true, earlier: [],
    });
    return null;
  }
}
