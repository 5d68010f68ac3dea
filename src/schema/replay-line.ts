import type { DdlStatement } from '../binlog/sql/classify.ts';
import { databaseOptions } from '../binlog/sql/database-options.ts';
import type { ReplayableDdl } from './ddl-event.ts';
import type { DdlServer } from './ddl-server.ts';
import type { SchemaDefaults, TableDefinition } from './definition.ts';
import { collationOf, type Tracked } from './tracked.ts';

export interface ReplayJob {
  readonly ddl: ReplayableDdl;
  readonly statement: DdlStatement;
  /** Entries in force before it, in force still at its turn or made by jobs before it. */
  readonly bases: readonly Tracked[];
  /** Entries of the schemas' own. */
  readonly defaults: readonly Tracked[];
  /** Entries that it makes. */
  readonly left: readonly Tracked[];
}

export type JobOutcome =
  | { readonly definitions: readonly (TableDefinition | SchemaDefaults | null)[] }
  | { readonly failed: string };

/** Runs one job after the other, since each goes on from what those before it made. */
export class ReplayLine {
  readonly #server: DdlServer;
  readonly #done: (job: ReplayJob, outcome: JobOutcome) => void;
  readonly #broken: (error: unknown) => void;
  readonly #jobs: ReplayJob[] = [];
  #bytes = 0;
  #running = false;
  #over = false;

  /** @param broken the server cannot be asked any more: the jobs left stay in the ledger for the next session. */
  constructor(server: DdlServer, done: (job: ReplayJob, outcome: JobOutcome) => void, broken: (error: unknown) => void) {
    this.#server = server;
    this.#done = done;
    this.#broken = broken;
  }

  /** Bytes of statements that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#jobs.length;
  }

  push(job: ReplayJob): void {
    this.#jobs.push(job);
    this.#bytes += job.ddl.sql.length;
    if (!this.#running) void this.#run();
  }

  close(): void {
    this.#over = true;
  }

  #closed(): boolean {
    return this.#over;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      for (let job = this.#jobs[0]; job && !this.#over; job = this.#jobs[0]) {
        const outcome = await this.#outcome(job);
        if (this.#closed()) return;
        this.#jobs.shift();
        this.#bytes -= job.ddl.sql.length;
        this.#done(job, outcome);
        if (this.#jobs.length === 0) await this.#server.rest();
      }
    } catch (error) {
      if (!this.#over) this.#broken(error);
      this.#over = true;
    } finally {
      this.#running = false;
    }
  }

  async #outcome(job: ReplayJob): Promise<JobOutcome> {
    const { ddl, statement, bases, defaults, left } = job;
    const collations = new Map(defaults.flatMap((entry) => {
      const collation = collationOf(entry);
      return collation === null ? [] : [[entry.schema, collation] as const];
    }));
    if (statement.database !== null) return this.#database(job, statement.database, collations.get(statement.database) ?? null);
    if (collations.size < defaults.length) return { failed: 'the character set that its schema gives new tables is not known there' };
    const known: { schema: string; table: string; sql: string }[] = [];
    for (const base of bases) {
      const sql = base.text === null ? '' : (JSON.parse(base.text) as TableDefinition).sql;
      if (sql === '') return { failed: 'the definition before it is not known' };
      known.push({ schema: base.schema, table: base.table, sql });
    }
    return this.#server.replay({ ddl, bases: known, defaults: collations, left });
  }

  async #database({ ddl, statement }: ReplayJob, schema: string, before: string | null): Promise<JobOutcome> {
    const options = databaseOptions(ddl.sql, { sqlMode: ddl.session.sqlMode, flavour: this.#server.flavour });
    if (options === null) return { failed: 'its text was not fully understood' };
    const unnamed = options.characterSet === null && options.collation === null;
    // ALTER DATABASE of other things leaves the collation as it was.
    const collation = unnamed && statement.verb === 'ALTER' ? before : await this.#server.defaultCollation(ddl, options);
    return collation === null ? { failed: 'its character set is not known here' } : { definitions: [{ schema, table: '', collation }] };
  }
}
