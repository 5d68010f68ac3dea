import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { SnapshotReader, differences, type Snapshot } from '../property/support/snapshot.ts';
import { Scene, applyWithClient } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';

const ROWS = 240;

/** Values at the edges of their types beside plain ones, so that none of them is what the others are converted to. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'big BIGINT UNSIGNED': ['0', '18446744073709551615', 'NULL', '7'], 'neg BIGINT': ['-9223372036854775808', '9223372036854775807', '0', '-1'],
  'dc DECIMAL(38,20)': ['0', '-123456789012345678.12345678901234567890', '0.00000000000000000001', 'NULL'],
  's VARCHAR(40) CHARACTER SET latin1': ["'plain'", "_latin1 X'E9'", "'it''s '", "''"], 'u VARCHAR(40) CHARACTER SET utf8mb4': ["'caf\u00e9'", "'back\\\\slash'", "' THEN '", 'NULL'],
  'k CHAR(20) CHARACTER SET utf16': ["'a'", "''", "'b '", "'c'"], "e ENUM('x','y','10')": ['1', '2', '3', 'NULL'], "st SET('p','q','r')": ["'p,r'", "''", "'q'", "'r'"],
  'y YEAR': ['1901', '2155', '0', 'NULL'], 'd DATE': ["'0000-00-00'", "'9999-12-31'", "'2026-02-28'", 'NULL'],
  'tm TIME(6)': ["'-838:59:58.999999'", "'00:00:00.000001'", "'838:59:59'", "'1:2:3'"], 'dt DATETIME(6)': ["'1000-01-01 00:00:00.5'", "'9999-12-31 23:59:59.999999'", "'2026-01-02 03:04:05'", 'NULL'],
  'ts TIMESTAMP(3) NULL': ["'2026-11-01 00:30:00.123'", "'1970-01-02 00:00:01'", 'NULL', "'2037-12-31 23:59:59.999'"],
  'bi BINARY(4)': ["X'00010000'", "X'FFFFFFFF'", "X'27275C00'", 'NULL'], 'vb VARBINARY(20)': ["X'00'", "''", "X'C3A9'", "'text'"], 'bl BLOB': ["X'FF00'", "'1'", "''", 'NULL'],
};
const ODD: Readonly<Record<string, readonly string[]>> = { 'f FLOAT': ['1e-40', '3.4e38', '0.1', '-0e0'], 'b BIT(9)': ["b'101'", "b'111111111'", "b'0'", 'NULL'], 'js JSON': ["'{\"a\": 1.50}'", "'[]'", 'NULL', "'7'"] };

const names = (columns: Readonly<Record<string, readonly string[]>>): string[] => Object.keys(columns).map((declared) => declared.split(' ')[0]!);

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  describe(`rows that share statements, for ${source.kind}`, () => {
    it('come back byte by byte, and only all together', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      const all = { ...VALUES, ...ODD };
      await scene.db.query(`SET SESSION sql_mode='ALLOW_INVALID_DATES', time_zone='+00:00';
        CREATE TABLE t (id INT PRIMARY KEY, ${Object.keys(all).join(', ')}, n INT, code INT, up TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), UNIQUE KEY (code), KEY (n), KEY (u)) ENGINE=InnoDB;
        CREATE TABLE tree (id INT PRIMARY KEY, up INT, n INT, FOREIGN KEY (up) REFERENCES tree (id)) ENGINE=InnoDB;
        CREATE TABLE words (w VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, n INT, PRIMARY KEY (w, n)) ENGINE=InnoDB;
        CREATE TABLE made (id INT PRIMARY KEY, n INT, twice INT AS (n * 2) STORED) ENGINE=InnoDB;
        CREATE TABLE loose (n INT, v VARCHAR(9)) ENGINE=InnoDB`);
      const insert = async (from: number, to: number): Promise<void> => {
        const values = Array.from({ length: to - from }, (_, i) => `(${[from + i, ...Object.values(all).map((list, column) => list[(from + i + column) % list.length]), from + i, from + i].join(', ')})`);
        await scene.db.query(`INSERT INTO t (id, ${names(all).join(', ')}, n, code) VALUES ${values.join(', ')}`);
      };
      await insert(0, ROWS);
      await scene.db.query(`INSERT INTO tree VALUES (1, NULL, 0), (2, 1, 0), (3, 2, 0), (4, 3, 0); INSERT INTO words VALUES ('a', 1), ('b', 1), ('c', 1); INSERT INTO loose VALUES (1, 'a'), (1, 'a'), (2, 'b'); INSERT INTO made (id, n) VALUES (1, 1), (2, 2), (3, 3)`);
      const tables = ['t', 'tree', 'words', 'made', 'loose'];
      const reader = new SnapshotReader(scene.db, scene.schema, source.flavour);
      const before = await reader.read(tables);
      const start = formatPosition(await scene.position());
      // Of one transaction: every value becomes that of a neighbour, some rows twice; keys move; rows of a tree come and go.
      await scene.db.query('BEGIN');
      for (const [declared, list] of Object.entries(all)) {
        const [name] = declared.split(' ');
        const turn = list.map((value, i) => `WHEN ${i} THEN ${value}`).join(' ');
        await scene.db.query(`UPDATE t SET ${name!} = CASE (id + 1) MOD 4 ${turn} END WHERE id < 100`);
      }
      await scene.db.query(`UPDATE t SET ${Object.entries(VALUES).slice(3, 5).map(([declared, list]) => `${declared.split(' ')[0]!} = ${list[2]!}`).join(', ')}, n = n + 1 WHERE id < 150`);
      await scene.db.query('UPDATE t SET n = n + 1, code = code + 1000 WHERE id < 50; UPDATE t SET up = up - INTERVAL 1 DAY WHERE id BETWEEN 30 AND 60');
      await scene.db.query('DELETE FROM t WHERE id >= 180');
      await insert(180, 200);
      await insert(500, 620);
      await scene.db.query("INSERT INTO tree VALUES (5, 4, 1), (6, 5, 1), (7, 6, 1); UPDATE tree SET n = n + 1; DELETE FROM tree WHERE id = 7; UPDATE words SET w = UPPER(w); UPDATE words SET n = n + 1; INSERT INTO words VALUES ('x', 5), ('y', 5), ('Z', 5); UPDATE made SET n = n + 10; DELETE FROM made WHERE id = 2; DELETE FROM loose; INSERT INTO loose VALUES (3, 'c'), (3, 'c')");
      await scene.db.query('COMMIT');
      const stop = formatPosition(await scene.position());
      const harmed = await reader.read(tables);
      await scene.caughtUp();
      const made = async (...args: string[]): Promise<string> => {
        const { status, stdout, stderr } = await scene.cli('script', '--source', scene.alias, '--start-position', start, '--stop-position', stop, '--mode', 'nocascade-force', ...args);
        assert.equal(status, 0, stderr);
        return stdout;
      };
      const same = async (expected: Snapshot, what: string): Promise<void> => assert.deepEqual([...differences(expected, await reader.read(tables))], [], what);
      const counts = (text: string): { statements: number; rows: number } => ({
        statements: Number(/^-- statements: (\d+)/m.exec(text)?.[1]), rows: Number(/@n=(\d+) AND @once/.exec(text)?.[1]),
      });

      const script = await made();
      const single = await made('--form', 'single');
      assert.equal(counts(single).statements, counts(single).rows);
      assert.equal(counts(script).rows, counts(single).rows, 'as many rows, whatever statements they share');
      assert.ok(counts(script).statements < counts(script).rows / 2, JSON.stringify(counts(script)));
      assert.match(script, /^INSERT INTO .*VALUES\(.*\),\(/m);
      assert.match(script, /^DELETE FROM .* WHERE \(.*\) OR \(/m);
      assert.match(script, /^UPDATE .* SET .*=CASE WHEN /m);
      assert.doesNotMatch(script, /^UPDATE [^ ]*`tree` SET [^\n]*CASE/m, 'rows of a tree depend on one another');
      assert.doesNotMatch(script, /^DELETE FROM [^ ]*`tree` WHERE \(/m);
      assert.doesNotMatch(script, /^UPDATE [^\n]*`code`=CASE/m, 'what is unique is restored row by row');
      // MariaDB's JSON is text with a CHECK.
      assert.doesNotMatch(script, source.flavour === 'mysql' ? /^UPDATE [^\n]*`(?:f|b|js|st)`=CASE/m : /^UPDATE [^\n]*`(?:f|b|st)`=CASE/m, 'kinds that CASE may convert');

      // One row of those that share a statement is another one now: inserted, updated.
      for (const [spoil, mend] of [
        ['UPDATE t SET up = up, n = 4711 WHERE id = 555', 'UPDATE t SET up = up, n = 555 WHERE id = 555'],
        ["UPDATE t SET up = up, s = 'changed' WHERE id = 120", `UPDATE t SET up = up, s = ${VALUES['s VARCHAR(40) CHARACTER SET latin1']![2]!} WHERE id = 120`],
        ['INSERT INTO t (id, n, code) VALUES (210, 1, 9999)', 'DELETE FROM t WHERE id = 210'],
      ] as const) {
        await scene.db.query(spoil);
        const spoiled = await reader.read(tables);
        for (const args of [[], ['--force']]) {
          const { stderr } = await applyWithClient(source, script, args);
          assert.match(stderr, /rows have changed since|Duplicate entry/, spoil);
          await same(spoiled, `${spoil} ${args.join(' ')}`);
        }
        await scene.db.query(mend);
      }
      await same(harmed, 'mended');

      for (const args of [[], ['--guard', 'none', '--chunk-rows', '7'], ['--update', 'full']]) {
        const text = await made(...args);
        const since = formatPosition(await scene.position());
        const { status, stderr } = await applyWithClient(source, text);
        assert.equal(status, 0, `${args.join(' ')} ${stderr}`);
        await same(before, args.join(' '));
        // And the undo of the undo.
        const until = formatPosition(await scene.position());
        await scene.caughtUp();
        const back = await scene.cli('script', '--source', scene.alias, '--start-position', since, '--stop-position', until, '--mode', 'nocascade-force');
        assert.equal(back.status, 0, back.stderr);
        const again = await applyWithClient(source, back.stdout);
        assert.equal(again.status, 0, again.stderr);
        await same(harmed, `back from ${args.join(' ')}`);
      }
    });
  });
});
