import { ColumnType, type TableMap } from '../src/binlog/types.ts';

const plain = { nullable: false, unsigned: null, collation: null, name: null, members: null, visible: null };
/** sysbench's table as the binlog describes it without metadata: two integers, CHAR(120) and CHAR(60) in a charset of four bytes. */
export const map: TableMap = {
  tableId: 1, schema: 'sbtest', table: 'sbtest1', primaryKey: null, metadata: 'none',
  columns: [
    { ...plain, type: ColumnType.LONG, meta: 0 }, { ...plain, type: ColumnType.LONG, meta: 0 },
    { ...plain, type: ColumnType.STRING, meta: 480 }, { ...plain, type: ColumnType.STRING, meta: 240 },
  ],
};
