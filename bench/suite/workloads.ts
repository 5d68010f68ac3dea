import type { Connection } from 'mysql2/promise';
import { sized, type Context } from '../harness/context.ts';
import { bulkChanges, smallChanges, SYSBENCH_COLUMNS, type Stretch } from '../harness/workload.ts';

export interface Workload {
  readonly name: string;
  /** Statements that make its tables in schema `bench`, the default. */
  readonly create: (context: Context) => readonly string[];
  readonly run: (source: Connection, context: Context) => Promise<Stretch>;
  /** Held against the targets of speed; the others are there to show what is slow. */
  readonly judged: boolean;
  /** Most bytes of the log for each byte of the binlog. */
  readonly mostDisk?: number;
  /** Bytes of the largest event: memory may take three times that beside its fixed part. */
  readonly largestEvent: number;
  /** Operations of one row: packing has nothing to put together. */
  readonly oneRow?: boolean;
}

export const CREATE = `CREATE TABLE bench.t (${SYSBENCH_COLUMNS}) CHARACTER SET latin1`;
/** The text of an INSERT of a thousand rows, which stands in the binlog beside them. */
const BULK_EVENT = 200_000;

export const BULK: Workload = {
  name: 'bulk', judged: true, mostDisk: 1.5, largestEvent: BULK_EVENT, create: () => [CREATE],
  run: (db, context) => bulkChanges(db, 'bench.t', sized(context, 2_000_000, 500_000)),
};

export const TEN_ROWS: Workload = {
  name: 'ten-row transactions', judged: true, largestEvent: 8192, create: () => [CREATE],
  run: (db, context) => bulkChanges(db, 'bench.t', sized(context, 2_000_000, 50_000), { perStatement: 10 }),
};

export const ONE_ROW: Workload = {
  name: 'one-row transactions', judged: true, mostDisk: 2.0, largestEvent: 8192, oneRow: true, create: () => [CREATE],
  run: (db, context) => smallChanges(db, 'bench.t', sized(context, 200_000, 50_000)),
};
