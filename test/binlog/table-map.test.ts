import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTableMap } from '../../src/binlog/table-map.ts';
import { ColumnType } from '../../src/binlog/types.ts';
import { UndoError } from '../../src/core/errors.ts';
import { charsetByCollation } from '../../src/rollback/charsets.ts';
import { buildShape, definitionFits } from '../../src/rollback/index.ts';
import { readDefinition } from '../rollback/support/definition.ts';
import { UndoBench } from '../rollback/support/undo-bench.ts';
import { sources } from '../support/servers.ts';

const CREATE = `CREATE TABLE t (
  a INT UNSIGNED NOT NULL, y YEAR, b BIT(10), d DECIMAL(10,3), f FLOAT, g DOUBLE UNSIGNED, big BIGINT NOT NULL,
  v VARCHAR(100) CHARACTER SET latin1, p POINT, c CHAR(100) CHARACTER SET utf8mb4 NOT NULL, vb VARBINARY(300), tt TINYTEXT CHARACTER SET gbk, lt LONGTEXT CHARACTER SET utf8mb3,
  e ENUM('x','é','a,b') CHARACTER SET latin1, s SET('q','r') CHARACTER SET utf8mb4, ts TIMESTAMP(3) NULL, dt DATETIME(6), t TIME(1), bi BINARY(7),
  PRIMARY KEY (big, c(5)), KEY (a))`;

for (const server of sources()) {
  describe(`TABLE_MAP of ${server.kind}`, () => {
    it('tells names, signs, character sets, members and the key, and fits only its own definition', async () => {
      await using bench = await UndoBench.open(server, 'table_map');
      await bench.work.query(CREATE);
      const [logged] = await bench.logged(() => bench.work.query("INSERT INTO t(a, big, c) VALUES (1, 2, 'x')").then(() => undefined));
      const { map } = logged!;
      const definition = await readDefinition(bench.work, bench.schema, 't');
      assert.equal(map.schema, bench.schema);
      assert.equal(map.metadata, 'full');
      assert.deepEqual(map.primaryKey, [{ column: 6, prefix: 0 }, { column: 9, prefix: 5 }]);
      const by = new Map(map.columns.map((column) => [column.name, column]));
      assert.deepEqual([...by.keys()], definition.columns.map(({ name }) => name));
      assert.deepEqual(map.columns.filter(({ unsigned }) => unsigned === true).map(({ name }) => name).filter((name) => name !== 'y'), ['a', 'g']);
      assert.deepEqual(map.columns.filter(({ nullable }) => !nullable).map(({ name }) => name), ['a', 'big', 'c']);
      const charset = (name: string): string | undefined => charsetByCollation(by.get(name)!.collation ?? -1)?.name;
      assert.deepEqual(['v', 'c', 'vb', 'tt', 'lt', 'e', 's', 'bi'].map(charset), ['latin1', 'utf8mb4', 'binary', 'gbk', 'utf8mb3', 'latin1', 'utf8mb4', 'binary']);
      assert.deepEqual(by.get('e')!.members, [Buffer.from('x'), Buffer.from([0xe9]), Buffer.from('a,b')]);
      assert.deepEqual([by.get('e')!.type, by.get('s')!.type], [ColumnType.ENUM, ColumnType.SET]);
      assert.deepEqual([by.get('c')!.type, by.get('c')!.meta], [ColumnType.STRING, 400]);
      assert.deepEqual([by.get('b')!.meta, by.get('d')!.meta, by.get('ts')!.meta], [(1 << 8) | 2, (10 << 8) | 3, 3]);
      assert.equal(by.get('a')!.visible, server.flavour === 'mysql' ? true : null);

      const shape = buildShape(map, definition);
      assert.deepEqual(shape.key, { kind: 'primary', columns: [6, 9] });
      // binlog_row_metadata NO_LOG: all that is not structure comes from the definition.
      const bare = { ...map, metadata: 'none' as const, primaryKey: null, columns: map.columns.map((column) => ({ ...column, unsigned: null, collation: null, name: null, members: null, visible: null })) };
      assert.deepEqual(buildShape(bare, definition), shape);

      const changed = (name: string, change: Partial<(typeof definition.columns)[number]>): typeof definition => ({
        ...definition, columns: definition.columns.map((column) => (column.name === name ? { ...column, ...change } : column)),
      });
      const misfits = [
        { ...definition, columns: definition.columns.slice(1) },
        changed('a', { name: 'renamed' }), changed('a', { columnType: 'int' }), changed('a', { dataType: 'bigint', columnType: 'bigint unsigned' }),
        changed('v', { characterSet: 'latin2' }), changed('v', { columnType: 'varchar(101)' }), changed('c', { characterSet: 'utf8mb3' }), changed('bi', { columnType: 'binary(8)' }),
        changed('d', { columnType: 'decimal(10,2)' }), changed('b', { columnType: 'bit(11)' }), changed('dt', { columnType: 'datetime(5)' }), changed('tt', { dataType: 'text', columnType: 'text' }),
        changed('e', { columnType: "enum('x','y')" }), changed('s', { dataType: 'enum', columnType: "enum('q','r')" }), changed('p', { dataType: 'blob', columnType: 'blob' }), changed('t', { dataType: 'whatever' }),
      ];
      for (const [i, other] of misfits.entries()) {
        assert.equal(definitionFits(map, other), false, `misfit ${i}`);
        assert.throws(() => buildShape(map, other), (error: unknown) => error instanceof UndoError && error.code === 'DEFINITION_UNKNOWN', `misfit ${i}`);
      }
      assert.throws(() => buildShape(map, { ...definition, systemVersioned: true }), (error: unknown) => error instanceof UndoError && error.code === 'NOT_UNDOABLE');
    });
  });
}

describe('a TABLE_MAP that is cut off', () => {
  it('is refused at every length', () => {
    const body = Buffer.from('5b0000000000010001610001620002030f0314000102', 'hex');
    assert.throws(() => parseTableMap(body, 0, 10), (error: unknown) => error instanceof UndoError && error.code === 'EVENT_CORRUPT');
    for (let end = 0; end < 18; end++) {
      assert.throws(() => parseTableMap(body, 0, end), (error: unknown) => error instanceof UndoError && error.code === 'EVENT_CORRUPT', String(end));
    }
  });
});
