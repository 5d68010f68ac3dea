import type { Connection } from 'mysql2/promise';
import type { CaptureFilter } from '../../capture/filter.ts';
import { rows } from '../../core/mysql.ts';
import { currentBinlogPosition, type ServerCapabilities } from '../../core/server.ts';
import type { TableName } from '../../binlog/sql/classify.ts';
import type { ObjectReading, SchemaListing } from '../../schema/objects/object-tracker.ts';
import { listObjects, readObject } from '../../schema/objects/read-objects.ts';
import type { ObjectName } from '../../schema/objects/object.ts';
import { readAllUnlocked, readSchemaDefaults, readUnlocked } from '../../schema/read-unlocked.ts';
import type { SeedReading } from '../../schema/tracker-options.ts';
import type { DefinitionTracker } from '../../schema/tracker.ts';
import type { DefinitionReading } from '../../schema/tracked.ts';

/** Tables read between two positions when all of them are read: rows that come meanwhile wait for so many at most. */
const TABLES_AT_ONCE = 100;

/** Asks the source for definitions, one question at a time: the positions around a reading must belong to it. */
export class DefinitionSource {
  readonly #control: Connection;
  readonly #capabilities: ServerCapabilities;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(control: Connection, capabilities: ServerCapabilities) {
    this.#control = control;
    this.#capabilities = capabilities;
  }

  /** @param table empty: what the schema gives new tables. */
  async read(schema: string, table: string): Promise<DefinitionReading> {
    const { answer, before, after } = await this.#between((): Promise<DefinitionReading['definition']> => (table === '' ? readSchemaDefaults(this.#control, schema) : readUnlocked(this.#control, schema, table)));
    return { definition: answer, before, after };
  }

  /**
   * Reads all captured tables of schemas that were not read as a whole yet, so that their definitions are known before DDL
   * comes, also for tables without rows so far.
   * @param progress tables read so far, of how many.
   */
  async seed(tracker: DefinitionTracker, filter: CaptureFilter, over: AbortSignal, progress: (done: number, all: number) => void): Promise<void> {
    const bySchema = await this.#untracked(tracker, filter);
    const all = [...bySchema.values()].reduce((sum, { tables }) => sum + tables.length, 0);
    let done = 0;
    for (const [schema, { tables, before }] of bySchema) {
      for (let at = 0; at < tables.length && !over.aborted; at += TABLES_AT_ONCE) {
        const names = tables.slice(at, at + TABLES_AT_ONCE).map((table) => ({ schema, table }));
        await tracker.seed(names, (wanted) => this.#readAll(schema, wanted));
        progress(done += names.length, all);
      }
      if (over.aborted) return;
      // Last, and from before the tables were listed: once the stream has passed that, all tables of the schema are known.
      await tracker.seed([{ schema, table: '' }], async () => {
        const { answer, after } = await this.#between(() => readSchemaDefaults(this.#control, schema));
        return { definitions: [answer], before, after };
      });
    }
  }

  async #untracked(tracker: DefinitionTracker, filter: CaptureFilter): Promise<Map<string, { tables: string[]; before: DefinitionReading['before'] }>> {
    const { answer, before } = await this.#between(async () => ({
      schemas: await rows<{ name: string }>(this.#control, 'SELECT schema_name AS name FROM information_schema.schemata'),
      tables: await rows<{ of_schema: string; name: string }>(this.#control,
        "SELECT table_schema AS of_schema, table_name AS name FROM information_schema.tables WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"),
    }));
    const wanted = answer.schemas.filter(({ name }) => filter.capturesSchema(name) && !tracker.tracks(name, ''));
    const found = new Map(wanted.map(({ name }) => [name, { tables: [] as string[], before }]));
    for (const { of_schema, name } of answer.tables) {
      filter.notice(of_schema, name);
      if (filter.captures(of_schema, name) && !tracker.tracks(of_schema, name)) found.get(of_schema)?.tables.push(name);
    }
    for (const schema of found.keys()) if (!filter.capturesSchema(schema)) found.delete(schema);
    return found;
  }

  async #readAll(schema: string, names: readonly TableName[]): Promise<SeedReading> {
    const { answer, before, after } = await this.#between(() => readAllUnlocked(this.#control, schema, names.map(({ table }) => table)));
    return { definitions: names.map(({ table }) => answer.get(table) ?? null), before, after };
  }

  async readObject(name: ObjectName): Promise<ObjectReading> {
    const { answer, before, after } = await this.#between(() => readObject(this.#control, name, this.#capabilities.flavour));
    return { definition: answer, before, after };
  }

  /** The names of a schema's objects. */
  async listObjects(schema: string): Promise<SchemaListing> {
    const { answer, before, after } = await this.#between(() => listObjects(this.#control, schema));
    return { names: answer, before, after };
  }

  #between<T>(question: () => Promise<T>): Promise<{ answer: T } & Pick<DefinitionReading, 'before' | 'after'>> {
    const asked = this.#queue.then(async () => {
      const before = await currentBinlogPosition(this.#control, this.#capabilities);
      const answer = await question();
      const after = await currentBinlogPosition(this.#control, this.#capabilities);
      return { answer, before, after };
    });
    this.#queue = asked.catch(() => undefined);
    return asked;
  }
}
