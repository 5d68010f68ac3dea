import type { Connection, RowDataPacket } from 'mysql2/promise';

type Row = Readonly<Record<string, string | null>>;

/** The shop's tables, their keys and columns in the order of the comparison. */
export const TABLES = {
  customers: { key: ['id'], columns: ['id', 'name', 'address'] },
  products: { key: ['id'], columns: ['id', 'name', 'price', 'description', 'stock'] },
  orders: { key: ['id'], columns: ['id', 'customer_id', 'placed', 'state'] },
  order_items: { key: ['order_id', 'line'], columns: ['order_id', 'line', 'product_id', 'quantity'] },
} as const;

export type TableName = keyof typeof TABLES;
const TABLE_NAMES = Object.keys(TABLES) as TableName[];

/** One cell, or a whole row, that is not as it has to be. */
export interface Difference {
  readonly table: TableName;
  readonly key: string;
  /** Null: the row is missing or should not be there. */
  readonly column: string | null;
}

/**
 * The shop as it would be had the accident not happened. The sessions note here what they have committed, so that it does
 * not come from the database that is to be compared with it.
 */
export class ShopModel {
  readonly #tables: Record<TableName, Map<string, Row>> = { customers: new Map(), products: new Map(), orders: new Map(), order_items: new Map() };

  put(table: TableName, row: Row): void {
    const key = TABLES[table].key.map((column) => row[column]).join('/');
    this.#tables[table].set(key, { ...this.#tables[table].get(key), ...row });
  }

  get(table: TableName, key: string): Row {
    const row = this.#tables[table].get(key);
    if (row === undefined) throw new Error(`the shop has no row ${key} in ${table}`);
    return row;
  }

  has(table: TableName, key: string): boolean {
    return this.#tables[table].has(key);
  }

  count(table: TableName): number {
    return this.#tables[table].size;
  }

  get rows(): number {
    return TABLE_NAMES.reduce((sum, table) => sum + this.count(table), 0);
  }

  /** Every byte of every column of every row, as the server's HEX() gives it. */
  async compare(connection: Connection): Promise<Difference[]> {
    const differences: Difference[] = [];
    for (const table of TABLE_NAMES) {
      const { columns, key } = TABLES[table];
      const left = new Map(this.#tables[table]);
      const [rows] = await connection.query<RowDataPacket[]>(
        `SELECT CONCAT_WS('/', ${key.join(', ')}) AS k, ${columns.map((name) => `HEX(CAST(${name} AS CHAR CHARACTER SET utf8mb4)) AS ${name}`).join(', ')} FROM shop.${table}`);
      for (const row of rows) {
        const k = String(row.k);
        const wanted = left.get(k);
        left.delete(k);
        if (wanted === undefined) differences.push({ table, key: k, column: null });
        else for (const column of columns) if (hex(wanted[column] ?? null) !== row[column]) differences.push({ table, key: k, column });
      }
      for (const k of left.keys()) differences.push({ table, key: k, column: null });
    }
    return differences;
  }
}

function hex(value: string | null): string | null {
  return value === null ? null : Buffer.from(value, 'utf8').toString('hex').toUpperCase();
}
