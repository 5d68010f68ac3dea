import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { scalar } from '../core/mysql.ts';
import { parseTableMap } from '../binlog/table-map.ts';
import { buildShape } from '../rollback/index.ts';
import { resolveDefinition } from '../rollback/resolve-definition.ts';
import type { RowsRecord } from '../store/block-format.ts';
import type { Ledger } from '../store/ledger.ts';
import { candidatesAt, readDefinitions, type DefinitionEntry, type StoredTransaction } from '../store/log-reader.ts';
import type { MaskSettings } from './masks.ts';
import { RowTexts } from './row-texts.ts';

export type TextsVerdict =
  | { readonly kind: 'texts'; readonly texts: RowTexts }
  /** The definition is still being read: ask again once the history has grown. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'unreadable'; readonly why: string };

const MOST_KEPT = 5000;

/** Finds how logged rows are read: by their TABLE_MAP and the history of definitions in the ledger. */
export class Shapes {
  readonly #connection: Connection;
  readonly #ledger: Ledger;
  readonly #sourceId: number;
  readonly #masks: MaskSettings;
  readonly #entries = new Map<string, DefinitionEntry[]>();
  readonly #texts = new Map<string, RowTexts>();
  /** The text of a definition, which tells it from others. */
  readonly #told = new WeakMap<object, string>();
  #flavour: 'mysql' | 'mariadb' | null = null;

  constructor(connection: Connection, ledger: Ledger, sourceId: number, masks: MaskSettings) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#sourceId = sourceId;
    this.#masks = masks;
  }

  /** The history may have grown: look again. */
  forget(): void {
    this.#entries.clear();
  }

  async find(transaction: StoredTransaction, { tableMap, offset }: RowsRecord): Promise<TextsVerdict> {
    const map = parseTableMap(tableMap, 0, tableMap.length);
    const entries = await this.#history(transaction.incarnationId, map.schema, map.table);
    const at = { file: transaction.rowsFile, offset };
    const verdict = resolveDefinition(map, candidatesAt(entries, at));
    if (verdict.kind === 'pending') return verdict;
    if (verdict.kind === 'unknown') return { kind: 'unreadable', why: verdict.why };
    // The table id in front changes at every reopening of the table and means nothing here.
    const key = `${tableMap.toString('latin1', 6)}\0${this.#textOf(verdict.definition)}`;
    const known = this.#texts.get(key);
    if (known) return { kind: 'texts', texts: known };
    this.#flavour ??= await scalar<'mysql' | 'mariadb'>(this.#connection, `SELECT flavour FROM ${this.#ledger.table('sources')} WHERE id = ?`, [this.#sourceId]);
    try {
      const texts = new RowTexts(buildShape(map, verdict.definition), this.#masks, this.#flavour!);
      if (this.#texts.size >= MOST_KEPT) this.#texts.clear();
      this.#texts.set(key, texts);
      return { kind: 'texts', texts };
    } catch (error) {
      if (error instanceof UndoError && error.code === 'NOT_UNDOABLE') return { kind: 'unreadable', why: error.message };
      throw error;
    }
  }

  #textOf(definition: object): string {
    let text = this.#told.get(definition);
    if (text === undefined) this.#told.set(definition, text = JSON.stringify(definition));
    return text;
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
