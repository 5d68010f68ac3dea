import { INFORMATION_TABLE, LEDGER_MARK_TABLE, SCRATCH_SUFFIX } from '../core/undo-tables.ts';

/** What the operator wants captured. Empty include lists mean everything; excludes win. Tables are `schema.table`. */
export interface FilterSettings {
  readonly includeDatabases: readonly string[];
  readonly includeTables: readonly string[];
  readonly excludeDatabases: readonly string[];
  readonly excludeTables: readonly string[];
}

const SYSTEM_SCHEMAS = ['mysql', 'information_schema', 'performance_schema', 'sys', 'ndbinfo'];

/**
 * Decides what is never captured, without a word about it: system schemas, and every schema that holds a ledger or
 * goInception's information table, whoever writes there (with the backup on the source our own writes come back to us).
 */
export class CaptureFilter {
  readonly #never: Set<string>;
  readonly #settings: FilterSettings;
  readonly #cache = new Map<string, boolean>();
  #generation = 0;

  /** @param own schemas known at start to hold a ledger or backup tables. */
  constructor(settings: FilterSettings, own: Iterable<string>) {
    this.#settings = settings;
    this.#never = new Set([...SYSTEM_SCHEMAS, ...own]);
  }

  /** Answers hold as long as this number stays. */
  get generation(): number {
    return this.#generation;
  }

  /** Takes a schema out from here on: a backup database about to be made, or one seen to be one. */
  exclude(schema: string): void {
    if (this.#never.has(schema)) return;
    this.#never.add(schema);
    this.#cache.clear();
    this.#generation++;
  }

  /** Learns from a table's name that its schema is one of ours or of goInception. */
  notice(schema: string, table: string): void {
    if (table === INFORMATION_TABLE || table === LEDGER_MARK_TABLE) this.exclude(schema);
  }

  captures(schema: string, table: string): boolean {
    const name = `${schema}.${table}`;
    let answer = this.#cache.get(name);
    if (answer === undefined) {
      answer = !this.#isOurs(schema) && this.#wanted(schema, name);
      this.#cache.set(name, answer);
    }
    return answer;
  }

  capturesSchema(schema: string): boolean {
    const { includeDatabases, includeTables, excludeDatabases } = this.#settings;
    if (this.#isOurs(schema) || excludeDatabases.includes(schema)) return false;
    const restricted = includeDatabases.length > 0 || includeTables.length > 0;
    return !restricted || includeDatabases.includes(schema) || includeTables.some((name) => name.startsWith(`${schema}.`));
  }

  /** With the scratch schemas of a ledger, where DDL is run again. */
  #isOurs(schema: string): boolean {
    return this.#never.has(schema) || this.#never.has(schema.replace(SCRATCH_SUFFIX, ''));
  }

  #wanted(schema: string, name: string): boolean {
    const { includeDatabases, includeTables, excludeDatabases, excludeTables } = this.#settings;
    if (excludeDatabases.includes(schema) || excludeTables.includes(name)) return false;
    if (includeDatabases.length === 0 && includeTables.length === 0) return true;
    return includeDatabases.includes(schema) || includeTables.includes(name);
  }
}
