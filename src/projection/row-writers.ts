import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { parseTableMap } from '../binlog/table-map.ts';
import type { TableMap } from '../binlog/types.ts';
import { buildShape, compileWriter, type RenderOptions, type UndoWriter } from '../rollback/index.ts';
import { resolveDefinition } from '../rollback/resolve-definition.ts';
import type { Ledger } from '../store/ledger.ts';
import type { RowsRecord } from '../store/block-format.ts';
import { candidatesAt, readDefinitions, standingAt, type DefinitionEntry, type StoredTransaction } from '../store/log-reader.ts';
import type { TransactionBlock } from './transaction-block.ts';

export type WriterVerdict =
  | { readonly kind: 'writer'; readonly writer: UndoWriter }
  | { readonly kind: 'refused'; readonly state: 'definition-unknown' | 'not-undoable' | 'sequence' | 'partial-image'; readonly why: string };

/** What was read of one table's definitions, and what followed from it. */
interface History {
  readonly entries: readonly DefinitionEntry[];
  readonly verdicts: Map<string, WriterVerdict>;
}

/** What was found for the rows of one TABLE_MAP of a block, by how the definitions stand where they lie. */
interface FoundByMap {
  readonly incarnationId: number;
  readonly entries: readonly DefinitionEntry[];
  readonly verdicts: Map<number, WriterVerdict>;
}

/** Kept of each kind. */
const MOST = 5000;
const TABLE_ID_BYTES = 6;

/** Finds the compiled writers for logged rows: by their TABLE_MAP and the history of definitions in the ledger. */
export class RowWriters {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #options: RenderOptions;
  readonly #histories = new Map<string, History>();
  readonly #maps = new Map<string, TableMap>();
  readonly #writers = new Map<string, UndoWriter>();
  /** Small transactions share blocks: what is found for the first of them is found at once for the others. */
  #foundByMap = new WeakMap<Buffer, FoundByMap>();

  constructor(connection: Connection, ledger: Ledger, sourceId: number, options: RenderOptions) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
    this.#options = options;
  }

  /** The history may have grown: look again. */
  forget(): void {
    this.#histories.clear();
    this.#foundByMap = new WeakMap();
  }

  /** @returns a verdict for each TABLE_MAP of the rows, or null while one of the definitions is still being read. */
  async findAll(transaction: StoredTransaction, rows: TransactionBlock): Promise<Map<Buffer, WriterVerdict> | null> {
    const verdicts = new Map<Buffer, WriterVerdict>();
    for (const record of rows.newestFirst) {
      if (verdicts.has(record.tableMap)) continue;
      const verdict = this.#known(transaction, record) ?? await this.#find(transaction, record);
      if (verdict === null) return null;
      verdicts.set(record.tableMap, verdict);
    }
    return verdicts;
  }

  #known({ incarnationId, rowsFile }: StoredTransaction, { tableMap, offset }: RowsRecord): WriterVerdict | undefined {
    const found = this.#foundByMap.get(tableMap);
    return found?.incarnationId === incarnationId ? found.verdicts.get(standingAt(found.entries, { file: rowsFile, offset })) : undefined;
  }

  async #find({ incarnationId, rowsFile }: StoredTransaction, { tableMap, offset }: RowsRecord): Promise<WriterVerdict | null> {
    // The table id in front changes at every reopening and tells nothing.
    const bytes = tableMap.toString('latin1', TABLE_ID_BYTES);
    const map = this.#parsed(bytes, tableMap);
    const { entries, verdicts } = await this.#history(incarnationId, map.schema, map.table);
    // The place of the rows, not the transaction's: a definition is in force from the TABLE_MAP on that it was read for.
    const at = { file: rowsFile, offset };
    const standing = standingAt(entries, at);
    const key = `${standing} ${bytes}`;
    let verdict = verdicts.get(key) ?? null;
    if (verdict === null) {
      verdict = this.#judge(bytes, map, candidatesAt(entries, at));
      if (verdict === null) return null;
      keep(verdicts, key, verdict);
    }
    let found = this.#foundByMap.get(tableMap);
    if (found?.incarnationId !== incarnationId) this.#foundByMap.set(tableMap, (found = { incarnationId, entries, verdicts: new Map() }));
    found.verdicts.set(standing, verdict);
    return verdict;
  }

  /** @returns null while a definition is still being read. */
  #judge(bytes: string, map: TableMap, candidates: ReturnType<typeof candidatesAt>): WriterVerdict | null {
    const verdict = resolveDefinition(map, candidates);
    if (verdict.kind === 'pending') return null;
    if (verdict.kind === 'unknown') return { kind: 'refused', state: 'definition-unknown', why: verdict.why };
    if (verdict.definition.sequence) return { kind: 'refused', state: 'sequence', why: 'it is a sequence' };
    // Equal bytes and an equal definition: an equal writer.
    const key = `${bytes}\0${JSON.stringify(verdict.definition)}`;
    const known = this.#writers.get(key);
    if (known) return { kind: 'writer', writer: known };
    try {
      const writer = compileWriter(buildShape(map, verdict.definition), this.#options);
      keep(this.#writers, key, writer);
      return { kind: 'writer', writer };
    } catch (error) {
      if (error instanceof UndoError && error.code === 'NOT_UNDOABLE') return { kind: 'refused', state: 'not-undoable', why: error.message };
      throw error;
    }
  }

  #parsed(bytes: string, tableMap: Buffer): TableMap {
    const known = this.#maps.get(bytes);
    if (known) return known;
    const map = parseTableMap(tableMap, 0, tableMap.length);
    keep(this.#maps, bytes, map);
    return map;
  }

  async #history(incarnationId: number, schema: string, table: string): Promise<History> {
    const key = `${incarnationId}\0${schema}\0${table}`;
    let history = this.#histories.get(key);
    if (!history) {
      history = { entries: await readDefinitions(this.#connection, this.#ledger, this.#sourceId, incarnationId, schema, table), verdicts: new Map() };
      this.#histories.set(key, history);
    }
    return history;
  }
}

/** In a map that stays small. */
function keep<T>(into: Map<string, T>, key: string, value: T): void {
  if (into.size >= MOST) into.clear();
  into.set(key, value);
}
