import type { TableName } from '../binlog/sql/classify.ts';
import type { TableMap } from '../binlog/types.ts';
import { comparePositions, type Position } from '../core/position.ts';
import { Confirmations } from './confirmations.ts';
import { reachOf, type DdlEvent, type TablesReach } from './ddl-event.ts';
import type { TableDefinition } from './definition.ts';
import type { DefinitionChange } from './definition-change.ts';
import { Entries, isKnown, prove } from './entries.ts';
import { Readings } from './readings.ts';
import { Replays } from './replays.ts';
import type { AdoptedDefinitions, SeedReading, TrackerOptions } from './tracker-options.ts';
import { tableDefinition } from './tracked.ts';

/**
 * Keeps the history of table definitions true while the stream runs. The source only shows its newest definitions, so a
 * reading is *proven* for rows at a position only once the stream has passed the reading without meeting DDL in between. From
 * a proven one on, each DDL is run again on an empty copy, and what that makes is proven as well.
 */
export class DefinitionTracker {
  readonly #options: TrackerOptions;
  readonly #entries = new Entries();
  readonly #readings: Readings;
  readonly #confirmations: Confirmations;
  readonly #replays: Replays;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#readings = new Readings(this.#entries, options, (at) => this.passed(at));
    this.#confirmations = new Confirmations(this.#entries, options);
    this.#replays = new Replays(this.#entries, this.#confirmations, options, (tracked) => void this.#readings.fetch(tracked));
  }

  /**
   * Takes over what the ledger holds as in force and proven, asks again for what was seen but not proven (no DDL has come
   * since, or the ledger would have ended it), and goes on running DDL again where the session before stopped.
   */
  adopt({ start, carried, proven, unproven, replays }: AdoptedDefinitions): void {
    this.#readings.startAt(start);
    for (const { from, definition } of proven) {
      const tracked = this.#entries.add(definition.schema, definition.table, from, 'proven');
      prove(tracked, definition);
      if (carried && 'columns' in definition) this.#confirmations.add(tracked, definition);
    }
    for (const { schema, table, from } of unproven) void this.#readings.fetch(this.#entries.add(schema, table, from, 'reading'));
    this.#replays.adopt(replays);
  }

  /** Whether ROLLBACK takes the table's rows back; null when its definition is not known (yet). */
  isTransactional(schema: string, table: string): boolean | null {
    return this.#entries.get(schema, table)?.transactional ?? null;
  }

  /** The newest definition of a table, proven for what streams by now or not; null while there is none. */
  newest(schema: string, table: string): TableDefinition | null {
    const tracked = this.#entries.get(schema, table);
    return tracked ? tableDefinition(tracked) : null;
  }

  /** Tables of a schema that are there as far as is known. */
  tablesOf(schema: string): string[] {
    return this.#entries.all().filter((tracked) => tracked.schema === schema && tracked.table !== '').map(({ table }) => table);
  }

  tracks(schema: string, table: string): boolean {
    return this.#entries.get(schema, table) !== undefined;
  }

  /** Hands out the changes since the last call, in order. */
  drain(): readonly DefinitionChange[] {
    return this.#entries.drain();
  }

  /** Nothing is run again from here on; what waits stays in the ledger. */
  close(): void {
    this.#replays.close();
  }

  seen(map: TableMap, at: Position): void {
    const known = this.#entries.get(map.schema, map.table);
    if (!known) {
      this.#ask(map.schema, map.table, at);
      return;
    }
    if (!known.noted) this.#entries.note(known);
    this.#readings.wanted(known);
    if (known.map !== map && (known.replayed !== null || known.state === 'replaying')) this.#replays.compare(known, map);
  }

  changed(event: DdlEvent): void {
    const reach = reachOf(event.statement, event.schema);
    switch (reach.kind) {
      case 'nothing': return;
      case 'schema': { this.#supersede(reach.schema, null, event.at); return; }
      case 'tables': { this.#tablesChanged(event, reach); return; }
      case 'defaults': this.#defaultsChanged(event, reach.schema, reach.creates);
    }
  }

  /** Whatever was known holds up to `at` at most: it is read again, but for the readings that were made behind it. */
  lost(at: Position): void {
    this.#readings.lost(at);
    const names = this.#entries.all().map(({ schema, table }) => ({ schema, table }));
    for (const schema of new Set(names.map((name) => name.schema))) this.#supersede(schema, null, at);
    for (const { schema, table } of names) {
      // That all tables of a schema are known is not so any more; the next session reads them all.
      if (table === '' || this.tracks(schema, table)) continue;
      this.#ask(schema, table, at);
    }
  }

  passed(at: Position): void {
    this.#readings.passed(at);
    this.#confirmations.passed(at);
  }

  /** Reads tables that no rows have asked for yet. @param read asks for those of the names that are not tracked. */
  seed(names: readonly TableName[], read: (names: readonly TableName[]) => Promise<SeedReading>): Promise<void> {
    return this.#readings.seed(names, read);
  }

  /** Reads a table for rows that are there or may come. */
  #ask(schema: string, table: string, from: Position): void {
    const tracked = this.#entries.add(schema, table, from, 'reading');
    this.#entries.note(tracked);
    void this.#readings.fetch(tracked);
  }

  #tablesChanged(event: DdlEvent, reach: TablesReach): void {
    const { statement, at } = event;
    const [first] = reach.left;
    if (statement.ifNotExists && !statement.orReplace && statement.verb === 'CREATE' && statement.object === 'TABLE' && first && this.#replays.exists(first) === true) return;
    const job = this.#replays.plan(event, reach);
    for (const { schema, table } of reach.touched) this.#supersede(schema, table, at, job !== null);
    if (job !== null) { this.#replays.start(event, job, reach.left.filter(({ schema }) => this.#options.capturesSchema(schema))); return; }
    // A reading that shows the table as it was after this DDL already stays; else one is made.
    for (const { schema, table } of reach.left) {
      if (this.tracks(schema, table) || !this.#options.captures(schema, table)) continue;
      this.#ask(schema, table, at);
    }
  }

  #defaultsChanged(event: DdlEvent, schema: string, creates: boolean): void {
    const before = this.#entries.get(schema, '');
    if (creates && before && event.statement.ifNotExists) return;
    // Whether it was there before, and with which tables, is not known then.
    const certain = creates ? !event.statement.ifNotExists : isKnown(before);
    this.#supersede(schema, '', event.at, true);
    if (!certain || !this.#replays.possible || !event.replayable || !this.#options.capturesSchema(schema)) return;
    this.#replays.start(event, { bases: [], defaults: creates ? [] : [before!] }, [{ schema, table: '' }]);
  }

  /** @param known what is in force from here on is known by other means than a reading. */
  #supersede(schema: string, table: string | null, at: Position, known = false): void {
    const affected = table === null ? this.#entries.all().filter((tracked) => tracked.schema === schema) : [this.#entries.get(schema, table)];
    for (const tracked of affected) {
      if (!tracked) continue;
      const { reading } = tracked;
      // The reading already shows what this DDL did: it is in force from here, not before.
      if (!known && tracked.state === 'read' && comparePositions(at, reading!.before) <= 0) {
        tracked.from = at;
        this.#entries.push({ kind: 'moved', schema: tracked.schema, table: tracked.table, from: at });
        continue;
      }
      // Else the reading overlaps the DDL, or is under way: what it shows cannot be told. Or it is over.
      this.#entries.forget(tracked);
      if (tracked.state === 'read') this.#entries.push({ kind: 'discarded', schema: tracked.schema, table: tracked.table });
    }
    this.#entries.push({ kind: 'superseded', schema, table, at });
  }
}
