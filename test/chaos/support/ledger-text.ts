import type { Connection } from 'mysql2/promise';
import { parseRowsEvent } from '../../../src/binlog/rows-event.ts';
import { parseTableMap } from '../../../src/binlog/table-map.ts';
import { ColumnType, type RowsEvent, type TableMap } from '../../../src/binlog/types.ts';
import { BlockReader, readTransactions } from '../../../src/store/log-reader.ts';
import { Ledger } from '../../../src/store/ledger.ts';
import { requireSource } from '../../../src/store/registry.ts';
import { OpenChanges, type KeyTotal, type LogChanges, type TransactionChanges } from './row-changes.ts';

const PAGE = 500;

/** What our log holds of a source, read block by block, in the form of `readBinlogText`. */
export async function readLedgerText(connection: Connection, name: string, alias: string): Promise<LogChanges> {
  const ledger = new Ledger(name);
  const { id } = await requireSource(connection, ledger, alias);
  const blocks = new BlockReader(connection, ledger, id);
  const transactions: TransactionChanges[] = [];
  const totals = new Map<string, KeyTotal>();
  const maps = new WeakMap<Buffer, TableMap>();
  const mapOf = (bytes: Buffer): TableMap => {
    let map = maps.get(bytes);
    if (!map) maps.set(bytes, (map = parseTableMap(bytes, 0, bytes.length)));
    return map;
  };
  for (let from = 1; ; from += PAGE) {
    const page = await readTransactions(connection, ledger, id, from, from + PAGE);
    for (const [i, { ordinal, gtid, firstBlock, lastBlock, tag }] of page.entries()) {
      if (ordinal !== from + i) throw new Error(`ordinal ${ordinal} stands where ${from + i} is due`);
      const changes = new OpenChanges();
      for (let block = firstBlock ?? 0; firstBlock !== null && block <= lastBlock!; block++) {
        const contents = await blocks.read(block);
        for (const record of contents.rows) {
          if (record.tag !== tag) continue;
          const map = mapOf(record.tableMap);
          addRows(changes, map, parseRowsEvent(record.type, contents.bytes, record.start, record.end));
        }
      }
      if (!changes.empty) transactions.push(changes.close(gtid, totals));
    }
    if (page.length < PAGE) return { transactions, totals };
  }
}

function addRows(changes: OpenChanges, map: TableMap, rows: RowsEvent): void {
  for (let at = rows.rowsStart; at < rows.rowsEnd;) {
    const first = readImage(map, rows.buffer, at);
    at = first.end;
    if (rows.kind === 'update') {
      const second = readImage(map, rows.buffer, at);
      at = second.end;
      changes.add(map.table, rows.kind, first.values, second.values);
    } else if (rows.kind === 'insert') changes.add(map.table, rows.kind, [], first.values);
    else changes.add(map.table, rows.kind, first.values, []);
  }
}

/** A full image of the few types that the load has, each value as the servers' tools print it. */
function readImage(map: TableMap, bytes: Buffer, start: number): { values: string[]; end: number } {
  let at = start + ((map.columns.length + 7) >> 3);
  const values = map.columns.map(({ type, meta }, i) => {
    if ((bytes[start + (i >> 3)]! & (1 << (i & 7))) !== 0) return 'NULL';
    if (type === ColumnType.LONG) return String(bytes.readInt32LE((at += 4) - 4));
    if (type === ColumnType.LONGLONG) return String(bytes.readBigInt64LE((at += 8) - 8));
    if (type !== ColumnType.VARCHAR) throw new Error(`the load has no columns of type ${type}`);
    const prefix = meta > 255 ? 2 : 1;
    const from = at + prefix;
    at = from + bytes.readUIntLE(at, prefix);
    return `'${bytes.toString('latin1', from, at)}'`;
  });
  return { values, end: at };
}
