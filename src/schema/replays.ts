import type { TableName } from '../binlog/sql/classify.ts';
import type { TableMap } from '../binlog/types.ts';
import type { Position } from '../core/position.ts';
import type { Confirmations } from './confirmations.ts';
import type { DdlEvent, TablesReach } from './ddl-event.ts';
import { isKnown, prove, type Entries } from './entries.ts';
import { ReplayLine, type JobOutcome, type ReplayJob } from './replay-line.ts';
import type { AdoptedReplay, TrackerOptions } from './tracker-options.ts';
import { newTracked, tableKey, take, type Tracked } from './tracked.ts';

const PRESSURE_HIGH = 8 * 1024 * 1024;
const JOBS_HIGH = 5000;

/** Runs DDL again, and takes what it made into the history; where that cannot be, the source is asked. */
export class Replays {
  readonly #entries: Entries;
  readonly #confirmations: Confirmations;
  readonly #options: TrackerOptions;
  readonly #fetch: (tracked: Tracked) => void;
  readonly #line: ReplayLine | null;
  #high = false;

  constructor(entries: Entries, confirmations: Confirmations, options: TrackerOptions, fetch: (tracked: Tracked) => void) {
    this.#entries = entries;
    this.#confirmations = confirmations;
    this.#options = options;
    this.#fetch = fetch;
    this.#line = options.server === null ? null : new ReplayLine(options.server, (job, outcome) => this.#settle(job, outcome), options.broken);
  }

  get possible(): boolean {
    return this.#line !== null;
  }

  close(): void {
    this.#line?.close();
  }

  /** Goes on where the session before stopped. */
  adopt(replays: readonly AdoptedReplay[]): void {
    const made = new Map<string, Tracked>();
    const placed = (name: TableName, from: Position): string => `${tableKey(name.schema, name.table)}\0${from.file}\0${from.offset}`;
    for (const { event, before, left } of replays) {
      const outputs = left.map(({ schema, table, open }) => {
        const tracked = open ? this.#entries.add(schema, table, event.at, 'replaying') : newTracked(schema, table, event.at, 'replaying');
        made.set(placed(tracked, event.at), tracked);
        return tracked;
      });
      const inputs = before.map((entry) => {
        const known = made.get(placed(entry, entry.from)) ?? newTracked(entry.schema, entry.table, entry.from, 'proven');
        if (entry.definition !== null) prove(known, entry.definition);
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

  /** What is needed to run a DDL again; null: it cannot be. */
  plan({ statement, replayable }: DdlEvent, { bases, needed, left }: TablesReach): Pick<ReplayJob, 'bases' | 'defaults'> | null {
    const [first] = left;
    if (!this.#line || !replayable || !first || (statement.object !== 'TABLE' && statement.object !== 'INDEX')) return null;
    const find = (name: TableName): Tracked | undefined => this.#entries.find(name);
    // IF EXISTS leaves out what is not there, here as on the source.
    if (!needed.every((name) => isKnown(find(name)) || (statement.ifExists && this.exists(name) === false))) return null;
    const creates = statement.verb === 'CREATE' && statement.object === 'TABLE';
    if (creates && statement.ifNotExists && this.exists(first) !== false) return null;
    const defaults = this.#entries.get(first.schema, '');
    if (creates && statement.like === null && !isKnown(defaults)) return null;
    return { bases: bases.map(find).filter(isKnown), defaults: isKnown(defaults) ? [defaults] : [] };
  }

  start({ statement, replayable, at }: DdlEvent, { bases, defaults }: Pick<ReplayJob, 'bases' | 'defaults'>, names: readonly TableName[]): void {
    if (names.length === 0) return;
    const left = names.map(({ schema, table }) => {
      this.#entries.push({ kind: 'replaying', schema, table, from: at, ddl: replayable! });
      return this.#entries.add(schema, table, at, 'replaying');
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
      this.#entries.push({ kind: 'replayed', schema, table, from, definition });
      if (definition === null) {
        if (this.#entries.isCurrent(tracked)) this.#entries.forget(tracked);
        continue;
      }
      prove(tracked, definition);
      if ('columns' in definition && this.#entries.isCurrent(tracked)) {
        this.#confirmations.add(tracked, definition);
      }
    }
    this.#options.changed();
    this.#pressure();
  }

  #unreplayed(tracked: Tracked, why: string): void {
    const { schema, table, from } = tracked;
    tracked.state = 'reading';
    take(tracked, null);
    this.#confirmations.drop(tracked);
    this.#options.refused(tracked, from, why);
    this.#entries.push({ kind: 'unreplayed', schema, table, from });
    if (this.#entries.isCurrent(tracked)) this.#fetch(tracked);
  }

  /** Rows tell whether what a replay made can be right. */
  compare(tracked: Tracked, map: TableMap): void {
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
  exists({ schema, table }: TableName): boolean | null {
    const tracked = this.#entries.get(schema, table);
    if (tracked) return isKnown(tracked) ? true : null;
    // All captured tables of such a schema are tracked.
    return this.#options.captures(schema, table) && isKnown(this.#entries.get(schema, '')) ? false : null;
  }
}
