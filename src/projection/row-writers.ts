import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { parseTableMap } from '../binlog/table-map.ts';
import { buildShape, compileWriter, type RenderOptions, type UndoWriter } from '../rollback/index.ts';
import { resolveDefinition } from '../rollback/resolve-definition.ts';
import type { Ledger } from '../store/ledger.ts';
import type { RowsRecord } from '../store/block-format.ts';
import { candidatesAt, readDefinitions, type DefinitionEntry, type StoredTransaction } from '../store/log-reader.ts';
import type { TransactionBlock } from './transaction-block.ts';

export type WriterVerdict =
  | { readonly kind: 'writer'; readonly writer: UndoWriter }
  | { readonly kind: 'refused'; readonly state: 'definition-unknown' | 'not-undoable' | 'sequence' | 'partial-image'; readonly why: string };

/** Finds the compiled writers for logged rows: by their TABLE_MAP and the history of definitions in the ledger. */
export class RowWriters {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #options: RenderOptions;
  readonly #entries = new Map<string, DefinitionEntry[]>();
  readonly #writers = new Map<string, UndoWriter>();

  constructor(connection: Connection, ledger: Ledger, sourceId: number, options: RenderOptions) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
    this.#options = options;
  }

  /** The history may have grown: look again. */
  forget(): void {
    this.#entries.clear();
  }

  /** @returns a verdict for each TABLE_MAP of the rows, or null while one of the definitions is still being read. */
  async findAll(transaction: StoredTransaction, rows: TransactionBlock): Promise<Map<Buffer, WriterVerdict> | null> {
    const verdicts = new Map<Buffer, WriterVerdict>();
    for (const record of rows.newestFirst) {
      if (verdicts.has(record.tableMap)) continue;
      const verdict = await this.#find(transaction, record);
      if (verdict === null) return null;
      verdicts.set(record.tableMap, verdict);
    }
    return verdicts;
  }

  async #find(transaction: StoredTransaction, { tableMap, offset }: RowsRecord): Promise<WriterVerdict | null> {
    const map = parseTableMap(tableMap, 0, tableMap.length);
    const entries = await this.#history(transaction.incarnationId, map.schema, map.table);
    // The place of the rows, not the transaction's: a definition is in force from the TABLE_MAP on that it was read for.
    const at = { file: transaction.rowsFile, offset };
    const verdict = resolveDefinition(map, candidatesAt(entries, at));
    if (verdict.kind === 'pending') return null;
    if (verdict.kind === 'unknown') return { kind: 'refused', state: 'definition-unknown', why: verdict.why };
    if (verdict.definition.sequence) return { kind: 'refused', state: 'sequence', why: 'it is a sequence' };
    // Equal bytes (but for the table id in front, which changes at every reopening) and an equal definition: an equal writer.
    const key = `${tableMap.toString('latin1', 6)}\0${JSON.stringify(verdict.definition)}`;
    const known = this.#writers.get(key);
    if (known) return { kind: 'writer', writer: known };
    try {
      const writer = compileWriter(buildShape(map, verdict.definition), this.#options);
      if (this.#writers.size >= 5000) this.#writers.clear();
      this.#writers.set(key, writer);
      return { kind: 'writer', writer };
    } catch (error) {
      if (error instanceof UndoError && error.code === 'NOT_UNDOABLE') return { kind: 'refused', state: 'not-undoable', why: error.message };
      throw error;
    }
  }

  async #history(incarnationId: number, schema: string, table: string): Promise<DefinitionEntry[]> {
    const key = `${incarnationId}\0${schema}\0${table}`;
    let entries = this.#entries.get(key);
    if (!entries) {
      entries = await readDefinitions(this.#connection, this.#ledger, this.#sourceId, incarnationId, schema, table);
      this.#entries.set(key, entries);
    }
    return entries;
  }
}
