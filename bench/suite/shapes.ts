import type { Connection } from 'mysql2/promise';
import { sized, type Benchmark, type Context } from '../harness/context.ts';
import { digits, stretch, SYSBENCH_COLUMNS, type Stretch } from '../harness/workload.ts';
import { measureWorkload } from './capture.ts';
import type { Workload } from './workloads.ts';

/** Inserts rows, updates one column of all and deletes half, `perStatement` rows to a transaction. */
async function life(db: Connection, count: number, perStatement: number, row: (id: number) => string, change: string): Promise<Stretch> {
  const statements = Math.ceil(count / perStatement);
  return stretch(db, { rowChanges: count * 2 + Math.floor(count / 2), transactions: statements * 2 + 1 }, async () => {
    for (let id = 1; id <= count;) {
      const rows: string[] = [];
      for (; rows.length < perStatement && id <= count; id++) rows.push(row(id));
      await db.query(`INSERT INTO bench.t VALUES ${rows.join(',')}`);
    }
    for (let id = 1; id <= count; id += perStatement) await db.query(`UPDATE bench.t SET ${change} WHERE id BETWEEN ${id} AND ${id + perStatement - 1}`);
    await db.query(`DELETE FROM bench.t WHERE id <= ${Math.floor(count / 2)}`);
  });
}

const WIDE_COLUMNS = 200;

const WIDE: Workload = {
  name: '200 columns', judged: false, largestEvent: 120_000,
  create: () => [`CREATE TABLE t (id INT PRIMARY KEY, ${Array.from({ length: WIDE_COLUMNS - 1 }, (_, i) => `c${i} ${['INT', 'VARCHAR(20)', 'DECIMAL(10,2)', 'DATETIME'][i % 4]!}`).join(', ')})`],
  run: (db, context) => {
    const cells = (id: number): string => Array.from({ length: WIDE_COLUMNS - 1 }, (_, i) => [String(id * 7 + i), `'${digits(id + i, 14)}'`, `${id % 90000}.25`, "'2026-11-20 10:11:12'"][i % 4]!).join(',');
    return life(db, sized(context, 20_000, 2000), 50, (id) => `(${id},${cells(id)})`, 'c0 = c0 + 1, c1 = REVERSE(c1)');
  },
};

const BLOB: Workload = {
  name: '1 MB rows', judged: false, largestEvent: 2 * 2 ** 20,
  create: () => ['CREATE TABLE t (id INT PRIMARY KEY, v INT, b LONGBLOB)'],
  run: (db, context) => life(db, context.quick ? 20 : 200, 1, (id) => `(${id}, 1, REPEAT(UNHEX(SHA2('${id}', 256)), 32768))`, 'v = v + 1'),
};

const EVERY_TYPE = [
  ['TINYINT', '-5'], ['SMALLINT UNSIGNED', '60000'], ['MEDIUMINT', '-70000'], ['BIGINT UNSIGNED', '18446744073709551000'], ['DECIMAL(20,6)', '-12345.678901'], ['FLOAT', '0.1'],
  ['DOUBLE', '2.5e-3'], ['BIT(9)', "b'101010101'"], ['YEAR', '2026'], ['DATE', "'2026-11-20'"], ['TIME(3)', "'-12:34:56.789'"], ['DATETIME(6)', "'2026-11-20 10:11:12.123456'"],
  ['TIMESTAMP(6)', "'2026-11-20 10:11:12.123456'"], ['CHAR(10)', "'abc'"], ['VARCHAR(50) CHARACTER SET utf8mb4', "'caf\u00e9 \u65e5\u672c'"], ['VARCHAR(50) CHARACTER SET latin1', "'plain'"],
  ['TEXT', "'it''s text'"], ['BINARY(8)', "X'0102'"], ['VARBINARY(20)', "X'00FF00FF'"], ['BLOB', "X'DEADBEEF'"], ["ENUM('a','b','c')", "'b'"], ["SET('x','y','z')", "'x,z'"],
  ['JSON', `'{"a": [1, 2.5, "x"], "b": null}'`], ['POINT', "ST_GeomFromText('POINT(1 2)')"],
] as const;

const TYPES: Workload = {
  name: 'every type', judged: false, largestEvent: 200_000,
  create: () => [`CREATE TABLE t (id INT PRIMARY KEY, n INT, ${EVERY_TYPE.map(([type], i) => `c${i} ${type} NULL`).join(', ')})`],
  run: (db, context) => life(db, sized(context, 200_000, 20_000), 500, (id) => `(${id},${id},${EVERY_TYPE.map(([, value]) => value).join(',')})`, 'n = n + 1'),
};

const TABLES: Workload = {
  name: 'many tables', judged: false, largestEvent: 8192,
  create: (context) => Array.from({ length: tableCount(context) }, (_, i) => `CREATE TABLE t${i} (${SYSBENCH_COLUMNS}) CHARACTER SET latin1`),
  run: async (db, context) => {
    const transactions = sized(context, 100_000, 5000);
    const PER = 5;
    return stretch(db, { rowChanges: transactions * PER, transactions }, async () => {
      for (let i = 0; i < transactions;) {
        const statements: string[] = [];
        for (; statements.length < 20 && i < transactions; i++) {
          const rows = Array.from({ length: PER }, (_, k) => `(${i * PER + k},${k},'${digits(i + k, 119)}','${digits(k, 59)}')`);
          statements.push(`INSERT INTO bench.t${i % tableCount(context)} VALUES ${rows.join(',')}`);
        }
        await db.query(statements.join(';'));
      }
    });
  },
};

function tableCount({ quick }: Context): number {
  return quick ? 100 : 1000;
}

const of = (name: string, about: string, workload: Workload): Benchmark => ({ name, about, when: 'full', run: (context) => measureWorkload(context, workload) });

export const shapes: readonly Benchmark[] = [
  of('wide', 'rows of 200 columns, against a native replica', WIDE),
  of('blob', 'rows of 1 MB', BLOB),
  of('types', 'one table with every type', TYPES),
  of('tables', 'changes spread over 1,000 tables (quick: 100)', TABLES),
];
