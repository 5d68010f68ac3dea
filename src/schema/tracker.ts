import type { TableName } from '../binlog/sql/classify.ts';
import type { TableMap } from '../binlog/types.ts';
import { comparePositions, type Position } from '../core/position.ts';
import { reachOf, type DdlEvent, type TablesReach } from './ddl-event.ts';
import type { DdlServer } from './ddl-server.ts';
import type { SchemaDefaults, TableDefinition } from './definition.ts';
import type { DefinitionChange } from './definition-change.ts';
import { ReplayLine, type JobOutcome, type ReplayJob } from './replay-line.ts';
import { newTracked, sameDefinition, sameShape, tableDefinition, tableKey, take, type DefinitionReading, type Tracked } from './tracked.ts';

/** What an earlier session left in the ledger. */
export interface AdoptedDefinitions {
  /** Where this session goes on. */
  readonly start: Position;
  readonly proven: Iterable<{ readonly from: Position; readonly definition: TableDefinition | SchemaDefaults }>;
  readonly unproven: Iterable<{ readonly schema: string; readonly table: string; readonly from: Position }>;
  /** DDL that was to be run again, in order, with what was in force before it. */
  readonly replays: readonly AdoptedReplay[];
}

export interface AdoptedReplay {
  readonly event: DdlEvent;
  readonly before: readonly { readonly schema: string; readonly table: string; readonly from: Position; readonly definition: TableDefinition | SchemaDefaults | null }[];
  /** `open`: in force still. */
  readonly left: readonly { readonly schema: string; readonly table: string; readonly open: boolean }[];
}

export type DefinitionReader = (schema: string, table: string) => Promise<DefinitionReading>;

/** Readings of several tables with one pair of positions around them; null for a table that is gone. */
export interface SeedReading extends Pick<DefinitionReading, 'before' | 'after'> {
  readonly definitions: readonly (TableDefinition | SchemaDefaults | null)[];
}

export interface TrackerOptions {
  /** Reads a table's definition, or with an empty table what the schema gives new tables. */
  readonly read: DefinitionReader;
  readonly captures: (schema: string, table: string) => boolean;
  /** DDL is followed on all tables of such a schema: a table left out may be renamed to one that is not. */
  readonly capturesSchema: (schema: string) => boolean;
  /** Whether a definition may belong to rows under this TABLE_MAP. */
  readonly fits: (map: TableMap, definition: TableDefinition) => boolean;
  /** Where DDL is run again; null: nowhere. */
  readonly server: DdlServer | null;
  /** `drain` has something new that no row event will bring along. */
  readonly changed: () => void;
  /** The source cannot be asked; the tracker asks again with the table's next rows, or a little later. */
  readonly failed: (error: unknown) => void;
  /** The scratch server cannot be asked any more. */
  readonly broken: (error: unknown) => void;
  /** A DDL could not be run again: the source is asked instead. */
  readonly refused: (table: TableName, at: Position, why: string) => void;
  /** The source has a table otherwise than the replay made it. */
  readonly differs: (table: TableName) => void;
  /** More statements wait to be run again than may be (true), or few enough again (false). */
  readonly onPressure: (high: boolean) => void;
}

/** A reading that failed, on a table that somebody holds locked perhaps, is tried again so often. */
const RETRY_MS = 5000;
/** Replayed definitions are compared with the source's own so many at a time, so often. */
const CONFIRMED_AT_ONCE = 20;
const CONFIRM_MS = 2000;
const PRESSURE_HIGH = 8 * 1024 * 1024;
const JOBS_HIGH = 5000;

/**
 * Keeps the history of table definitions true while the stream runs. The source only shows its newest definitions, so a
 * reading is *proven* for rows at a position only once the stream has passed the reading without meeting DDL in between. From
 * a proven one on, each DDL is run again on an empty copy, and what that makes is proven as well.
 */
export class DefinitionTracker {
  readonly #options: TrackerOptions;
  readonly #line: ReplayLine | null;
  readonly #tables = new Map<string, Tracked>();
  readonly #pending: DefinitionChange[] = [];
  /** Read, and not passed yet. */
  readonly #unproven = new Set<Tracked>();
  /** Their reading failed. */
  readonly #unread = new Set<Tracked>();
  readonly #unconfirmed = new Set<Tracked>();
  readonly #confirming = new Map<Tracked, DefinitionReading>();
  #last: Position | null = null;
  /** Where events were lost last. */
  #lostAt: Position | null = null;
  #retryAt = 0;
  #confirmAt = 0;
  #high = false;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#line = options.server === null ? null : new ReplayLine(options.server, (job, outcome) => this.#settle(job, outcome), options.broken);
  }

  /**
   * Takes over what the ledger holds as in force and proven, asks again for what was seen but not proven (no DDL has come
   * since, or the ledger would have ended it), and goes on running DDL again where the session before stopped.
   */
  adopt({ start, proven, unproven, replays }: AdoptedDefinitions): void {
    this.#last = start;
    for (const { from, definition } of proven) {
      const tracked = newTracked(definition.schema, definition.table, from, 'proven');
      this.#prove(tracked, definition);
      this.#tables.set(tableKey(definition.schema, definition.table), tracked);
    }
    for (const { schema, table, from } of unproven) void this.#fetch(this.#add(schema, table, from, 'reading'));
    const made = new Map<string, Tracked>();
    const placed = (name: TableName, from: Position): string => `${tableKey(name.schema, name.table)}\0${from.file}\0${from.offset}`;
    for (const { event, before, left } of replays) {
      const outputs = left.map(({ schema, table, open }) => {
        const tracked = open ? this.#add(schema, table, event.at, 'replaying') : newTracked(schema, table, event.at, 'replaying');
        made.set(placed(tracked, event.at), tracked);
        return tracked;
      });
      const inputs = before.map((entry) => {
        const known = made.get(placed(entry, entry.from)) ?? newTracked(entry.schema, entry.table, entry.from, 'proven');
        if (entry.definition !== null) this.#prove(known, entry.definition);
        return known;
      });
      const job = {
        ddl: event.replayable!, statement: event.statement, left: outputs,
        bases: inputs.filter(({ table }) => table !== ''), defaults: inputs.filter(({ table }) => table === ''),
      };
      if (this.#line) this.#line.push(job);
      else this.#settle(job, { failed: 'no server to run it again' });
    }
    this.#pressure();
  }

  /** Whether ROLLBACK takes the table's rows back; null when its definition is not known (yet). */
  isTransactional(schema: string, table: string): boolean | null {
    return this.#tables.get(tableKey(schema, table))?.transactional ?? null;
  }

  /** The newest definition of a table, proven for what streams by now or not; null while there is none. */
  newest(schema: string, table: string): TableDefinition | null {
    const tracked = this.#tables.get(tableKey(schema, table));
    return tracked ? tableDefinition(tracked) : null;
  }

  /** Tables of a schema that are there as far as is known. */
  tablesOf(schema: string): string[] {
    return [...this.#tables.values()].filter((tracked) => tracked.schema === schema && tracked.table !== '').map(({ table }) => table);
  }

  tracks(schema: string, table: string): boolean {
    return this.#tables.has(tableKey(schema, table));
  }

  /** Hands out the changes since the last call, in order. */
  drain(): readonly DefinitionChange[] {
    return this.#pending.splice(0);
  }

  /** Nothing is run again from here on; what waits stays in the ledger. */
  close(): void {
    this.#line?.close();
  }

  seen(map: TableMap, at: Position): void {
    const known = this.#tables.get(tableKey(map.schema, map.table));
    if (known) {
      if (!known.noted) this.#note(known);
      if (this.#unread.delete(known)) void this.#fetch(known);
      if (known.map !== map && (known.replayed !== null || known.state === 'replaying')) this.#compare(known, map);
      return;
    }
    const tracked = this.#add(map.schema, map.table, at, 'reading');
    this.#note(tracked);
    void this.#fetch(tracked);
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
    this.#lostAt = at;
    const names = [...this.#tables.values()].map(({ schema, table }) => ({ schema, table }));
    for (const schema of new Set(names.map((name) => name.schema))) this.#supersede(schema, null, at);
    for (const { schema, table } of names) {
      // That all tables of a schema are known is not so any more; the next session reads them all.
      if (table === '' || this.tracks(schema, table)) continue;
      const tracked = this.#add(schema, table, at, 'reading');
      this.#note(tracked);
      void this.#fetch(tracked);
    }
  }

  passed(at: Position): void {
    this.#last = at;
    if (this.#unread.size > 0 && Date.now() >= this.#retryAt) this.#readAgain();
    if (this.#unconfirmed.size > 0 && Date.now() >= this.#confirmAt) void this.#confirmSome();
    for (const tracked of this.#unproven) {
      if (tracked.reading === null || comparePositions(at, tracked.reading.after) < 0) continue;
      this.#unproven.delete(tracked);
      tracked.state = 'proven';
      tracked.reading = null;
      this.#pending.push({ kind: 'proven', schema: tracked.schema, table: tracked.table });
      this.#options.changed();
    }
    for (const [tracked, reading] of this.#confirming) {
      if (comparePositions(at, reading.after) < 0) continue;
      this.#confirming.delete(tracked);
      this.#confirm(tracked, reading);
    }
  }

  /** Reads tables that no rows have asked for yet. @param read asks for those of the names that are not tracked. */
  async seed(names: readonly TableName[], read: (names: readonly TableName[]) => Promise<SeedReading>): Promise<void> {
    const added = names.filter(({ schema, table }) => !this.tracks(schema, table)).map(({ schema, table }) => this.#add(schema, table, this.#last!, 'reading'));
    if (added.length === 0) return;
    for (const tracked of added) tracked.noted = false;
    try {
      const { definitions, before, after } = await read(added);
      for (const [i, tracked] of added.entries()) {
        if (!this.#current(tracked) || tracked.state !== 'reading') continue;
        const definition = definitions[i] ?? null;
        if (tracked.table === '' && this.#lostAt && comparePositions(before, this.#lostAt) < 0) {
          this.#forget(tracked);
          continue;
        }
        if (definition === null) {
          // Held locked, or gone since it was listed: asked for by itself.
          if (!tracked.noted) this.#note(tracked);
          void this.#fetch(tracked);
          continue;
        }
        const { schema, table, from } = tracked;
        this.#pending.push(tracked.noted ? { kind: 'read', schema, table, readAt: after, definition } : { kind: 'seeded', schema, table, from, readAt: after, definition });
        tracked.noted = true;
        this.#took(tracked, { definition, before, after });
      }
      if (this.#last) this.passed(this.#last);
      this.#options.changed();
    } catch (error) {
      for (const tracked of added) {
        if (!this.#current(tracked) || tracked.state !== 'reading') continue;
        // As if never tried; what has rows is asked for again.
        if (tracked.noted) this.#unread.add(tracked);
        else this.#forget(tracked);
      }
      throw error;
    }
  }

  #tablesChanged(event: DdlEvent, reach: TablesReach): void {
    const { statement, at } = event;
    const [first] = reach.left;
    if (statement.ifNotExists && !statement.orReplace && statement.verb === 'CREATE' && statement.object === 'TABLE' && first && this.#exists(first) === true) return;
    const job = this.#plan(event, reach);
    for (const { schema, table } of reach.touched) this.#supersede(schema, table, at, job !== null);
    if (job !== null) { this.#replay(event, job, reach.left.filter(({ schema }) => this.#options.capturesSchema(schema))); return; }
    // A reading that shows the table as it was after this DDL already stays; else one is made.
    for (const { schema, table } of reach.left) {
      if (this.tracks(schema, table) || !this.#options.captures(schema, table)) continue;
      const tracked = this.#add(schema, table, at, 'reading');
      this.#note(tracked);
      void this.#fetch(tracked);
    }
  }

  #defaultsChanged(event: DdlEvent, schema: string, creates: boolean): void {
    const before = this.#tables.get(tableKey(schema, ''));
    if (creates && before && event.statement.ifNotExists) return;
    // Whether it was there before, and with which tables, is not known then.
    const certain = creates ? !event.statement.ifNotExists : isKnown(before);
    this.#supersede(schema, '', event.at, true);
    if (!certain || !this.#line || !event.replayable || !this.#options.capturesSchema(schema)) return;
    this.#replay(event, { bases: [], defaults: creates ? [] : [before!] }, [{ schema, table: '' }]);
  }

  /** What is needed to run a DDL again; null: it cannot be. */
  #plan({ statement, replayable }: DdlEvent, { bases, needed, left }: TablesReach): Pick<ReplayJob, 'bases' | 'defaults'> | null {
    const [first] = left;
    if (!this.#line || !replayable || !first || (statement.object !== 'TABLE' && statement.object !== 'INDEX')) return null;
    const find = ({ schema, table }: TableName): Tracked | undefined => this.#tables.get(tableKey(schema, table));
    if (!needed.every((name) => isKnown(find(name)))) return null;
    const creates = statement.verb === 'CREATE' && statement.object === 'TABLE';
    if (creates && statement.ifNotExists && this.#exists(first) !== false) return null;
    const defaults = this.#tables.get(tableKey(first.schema, ''));
    if (creates && statement.like === null && !isKnown(defaults)) return null;
    return { bases: bases.map(find).filter(isKnown), defaults: isKnown(defaults) ? [defaults] : [] };
  }

  #replay({ statement, replayable, at }: DdlEvent, { bases, defaults }: Pick<ReplayJob, 'bases' | 'defaults'>, names: readonly TableName[]): void {
    if (names.length === 0) return;
    const left = names.map(({ schema, table }) => {
      this.#pending.push({ kind: 'replaying', schema, table, from: at, ddl: replayable! });
      return this.#add(schema, table, at, 'replaying');
    });
    this.#line!.push({ ddl: replayable!, statement, bases, defaults, left });
    this.#pressure();
  }

  #settle(job: ReplayJob, outcome: JobOutcome): void {
    for (const [i, tracked] of job.left.entries()) {
      const { schema, table, from } = tracked;
      const definition = 'failed' in outcome ? null : outcome.definitions[i] ?? null;
      const misfit = definition !== null && 'columns' in definition && tracked.map !== null && !this.#options.fits(tracked.map, definition);
      if ('failed' in outcome || misfit) { this.#unreplayed(tracked, 'failed' in outcome ? outcome.failed : 'what it made does not fit the binlog'); continue; }
      this.#pending.push({ kind: 'replayed', schema, table, from, definition });
      if (definition === null) {
        if (this.#current(tracked)) this.#forget(tracked);
        continue;
      }
      this.#prove(tracked, definition);
      if ('columns' in definition && this.#current(tracked)) {
        tracked.replayed = definition;
        this.#unconfirmed.add(tracked);
      }
    }
    this.#options.changed();
    this.#pressure();
  }

  #unreplayed(tracked: Tracked, why: string): void {
    const { schema, table, from } = tracked;
    tracked.state = 'reading';
    tracked.replayed = null;
    take(tracked, null);
    this.#unconfirmed.delete(tracked);
    this.#options.refused(tracked, from, why);
    this.#pending.push({ kind: 'unreplayed', schema, table, from });
    if (this.#current(tracked)) void this.#fetch(tracked);
  }

  /** Rows tell whether what a replay made can be right. */
  #compare(tracked: Tracked, map: TableMap): void {
    tracked.map = map;
    if (tracked.replayed === null || this.#options.fits(map, tracked.replayed)) return;
    this.#unreplayed(tracked, 'what it made does not fit the binlog');
    this.#options.changed();
  }

  #pressure(): void {
    if (!this.#line) return;
    const { bytes, length } = this.#line;
    const high = this.#high ? bytes > PRESSURE_HIGH / 2 || length > JOBS_HIGH / 2 : bytes > PRESSURE_HIGH || length > JOBS_HIGH;
    if (high !== this.#high) this.#options.onPressure((this.#high = high));
  }

  /** Null: not known. */
  #exists({ schema, table }: TableName): boolean | null {
    const tracked = this.#tables.get(tableKey(schema, table));
    if (tracked) return isKnown(tracked) ? true : null;
    // All captured tables of such a schema are tracked.
    return this.#options.captures(schema, table) && isKnown(this.#tables.get(tableKey(schema, ''))) ? false : null;
  }

  #add(schema: string, table: string, from: Position, state: Tracked['state']): Tracked {
    const tracked = newTracked(schema, table, from, state);
    this.#tables.set(tableKey(schema, table), tracked);
    return tracked;
  }

  /** With the rows themselves, so that whoever finds them in the log knows that a reading is to come, also after a restart. */
  #note(tracked: Tracked): void {
    tracked.noted = true;
    this.#pending.push({ kind: 'seen', schema: tracked.schema, table: tracked.table, from: tracked.from });
  }

  #current(tracked: Tracked): boolean {
    return this.#tables.get(tableKey(tracked.schema, tracked.table)) === tracked;
  }

  #forget(tracked: Tracked): void {
    this.#tables.delete(tableKey(tracked.schema, tracked.table));
    for (const set of [this.#unproven, this.#unread, this.#unconfirmed]) set.delete(tracked);
    this.#confirming.delete(tracked);
  }

  #prove(tracked: Tracked, definition: TableDefinition | SchemaDefaults | null): void {
    tracked.state = 'proven';
    take(tracked, definition);
  }

  #took(tracked: Tracked, reading: DefinitionReading): void {
    tracked.reading = reading;
    tracked.state = 'read';
    take(tracked, reading.definition);
    this.#unproven.add(tracked);
  }

  #readAgain(): void {
    this.#retryAt = Date.now() + RETRY_MS;
    const unread = [...this.#unread];
    this.#unread.clear();
    for (const tracked of unread) void this.#fetch(tracked);
  }

  async #fetch(tracked: Tracked): Promise<void> {
    const { schema, table } = tracked;
    try {
      const reading = await this.#options.read(schema, table);
      // Superseded meanwhile by DDL: the entry is another one, or none, by now.
      if (!this.#current(tracked)) return;
      this.#took(tracked, reading);
      this.#pending.push({ kind: 'read', schema, table, readAt: reading.after, definition: reading.definition });
      this.#options.changed();
      // The stream may have passed the reading while it was under way; DDL in between would have taken the entry away.
      if (this.#last) this.passed(this.#last);
    } catch (error) {
      if (this.#current(tracked)) this.#unread.add(tracked);
      this.#retryAt = Date.now() + RETRY_MS;
      this.#options.failed(error);
    }
  }

  /** Asks the source for a few tables that a replay gave; the stream passing the answer without DDL makes it count. */
  async #confirmSome(): Promise<void> {
    this.#confirmAt = Number.POSITIVE_INFINITY;
    try {
      for (const tracked of [...this.#unconfirmed].slice(0, CONFIRMED_AT_ONCE)) {
        const reading = await this.#options.read(tracked.schema, tracked.table);
        this.#unconfirmed.delete(tracked);
        if (this.#current(tracked)) this.#confirming.set(tracked, reading);
      }
    } catch (error) {
      this.#options.failed(error);
    } finally {
      this.#confirmAt = Date.now() + CONFIRM_MS;
    }
  }

  #confirm(tracked: Tracked, { definition }: DefinitionReading): void {
    const { replayed } = tracked;
    tracked.replayed = null;
    if (replayed === null || definition === null || !('columns' in definition) || sameDefinition(replayed, definition)) return;
    this.#prove(tracked, definition);
    if (!sameShape(replayed, definition)) this.#options.differs(tracked);
    this.#pending.push({ kind: 'corrected', schema: tracked.schema, table: tracked.table, definition });
    this.#options.changed();
  }

  /** @param known what is in force from here on is known by other means than a reading. */
  #supersede(schema: string, table: string | null, at: Position, known = false): void {
    const affected = table === null ? [...this.#tables.values()].filter((tracked) => tracked.schema === schema) : [this.#tables.get(tableKey(schema, table))];
    for (const tracked of affected) {
      if (!tracked) continue;
      const { reading } = tracked;
      // The reading already shows what this DDL did: it is in force from here, not before.
      if (!known && tracked.state === 'read' && comparePositions(at, reading!.before) <= 0) {
        tracked.from = at;
        this.#pending.push({ kind: 'moved', schema: tracked.schema, table: tracked.table, from: at });
        continue;
      }
      // Else the reading overlaps the DDL, or is under way: what it shows cannot be told. Or it is over.
      this.#forget(tracked);
      if (tracked.state === 'read') this.#pending.push({ kind: 'discarded', schema: tracked.schema, table: tracked.table });
    }
    this.#pending.push({ kind: 'superseded', schema, table, at });
  }
}

function isKnown(tracked: Tracked | undefined): tracked is Tracked {
  return tracked !== undefined && (tracked.state === 'replaying' || (tracked.state === 'proven' && tracked.text !== null));
}
