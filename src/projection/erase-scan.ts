import { parseTableMap } from '../binlog/table-map.ts';
import type { BlockContents, RowsRecord } from '../store/block-format.ts';
import { lastLoggedBlock, transactionsInBlock, type ErasureScope } from '../store/erasure.ts';
import type { StoredTransaction } from '../store/log-reader.ts';
import { RowMatcher, type KeyValue, type MatchedRows } from './erase-match.ts';

/** The table's rows in one block. */
export interface ScannedBlock {
  readonly byTag: ReadonlyMap<number, StoredTransaction>;
  /** In the order of capture; also events without a row that is meant. */
  readonly matches: ReadonlyMap<RowsRecord, MatchedRows>;
}

/** Looks through blocks for the rows that are to go. */
export class EraseScan {
  readonly matcher: RowMatcher;
  readonly #scope: ErasureScope;
  readonly #end: number;
  readonly #lastLogged: number;

  private constructor(scope: ErasureScope, key: readonly KeyValue[], end: number, lastLogged: number) {
    this.matcher = new RowMatcher(scope.connection, scope.ledger, scope.sourceId, key);
    this.#scope = scope;
    this.#end = end;
    this.#lastLogged = lastLogged;
  }

  /** @param end of the ordinals that are looked at. */
  static async open(scope: ErasureScope, key: readonly KeyValue[], end: number): Promise<EraseScan> {
    return new EraseScan(scope, key, end, await lastLoggedBlock(scope));
  }

  async block(block: number, contents: BlockContents): Promise<ScannedBlock> {
    const all = await transactionsInBlock(this.#scope, block);
    const logged = all.filter(({ ordinal }) => ordinal < this.#end);
    // They committed since: not looked at, and none of what never came to be.
    const later = new Set(all.filter(({ ordinal }) => ordinal >= this.#end).map(({ tag }) => tag));
    const byTag = new Map(logged.map((transaction) => [transaction.tag, transaction]));
    const matches = new Map<RowsRecord, MatchedRows>();
    const maps = new Map<Buffer, boolean>();
    for (const record of contents.rows) {
      let ours = maps.get(record.tableMap);
      if (ours === undefined) {
        const { schema, table } = parseTableMap(record.tableMap, 0, record.tableMap.length);
        maps.set(record.tableMap, (ours = schema === this.#scope.schema && table === this.#scope.table));
      }
      // What never came to be stands in blocks too, until retention takes it; what is still open lies in the last ones.
      const transaction = byTag.get(record.tag) ?? (block < this.#lastLogged ? logged[0] : undefined);
      if (!ours || !transaction || later.has(record.tag)) continue;
      const matched = await this.matcher.match(contents.bytes, record, transaction.incarnationId, transaction.rowsFile);
      if (matched) matches.set(record, matched);
    }
    return { byTag, matches };
  }
}
