import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatPosition } from '../../src/core/position.ts';
import { readUnlocked } from '../../src/schema/read-unlocked.ts';
import { exactText } from '../support/exact-text.ts';
import { Scene, query } from '../support/scene.ts';
import { backup, sources } from '../support/servers.ts';

interface Altered {
  readonly table: string;
  /** Columns and options. */
  readonly made: string;
  readonly rows: string;
  readonly changes: readonly string[];
  readonly alters: readonly string[];
}

/** Every byte above 0x1F, so that each character of latin1 is there. */
const LATIN1 = Array.from({ length: 7 }, (_, i) => `(${i + 10}, X'${Array.from({ length: 32 }, (__, j) => (32 + 32 * i + j).toString(16)).join('')}')`).join(', ');

/** Rows are changed, then the table is altered, then the changes are undone. */
const CASES: readonly Altered[] = [
  {
    table: 'added', made: '(id INT PRIMARY KEY, v VARCHAR(20))', rows: "(1, 'a'), (2, 'b'), (3, 'c')",
    changes: ["INSERT INTO added VALUES (4, 'd')", "UPDATE added SET v = 'B' WHERE id = 2", 'DELETE FROM added WHERE id = 3'],
    alters: ["ADD COLUMN n INT NOT NULL FIRST, ADD COLUMN s VARCHAR(5) NOT NULL AFTER id, ADD COLUMN e ENUM('x','y') NOT NULL, ADD COLUMN d INT NOT NULL DEFAULT 7, ADD COLUMN g INT AS (id + 1) STORED, ADD COLUMN b BIT(4) NOT NULL, ADD COLUMN t TEXT NOT NULL"],
  },
  {
    table: 'moved', made: '(a INT, b INT, c INT, id INT PRIMARY KEY)', rows: '(1, 2, 3, 1), (4, NULL, 6, 2), (7, 8, 9, 3)',
    changes: ['UPDATE moved SET a = 10, c = 30 WHERE id = 1', 'DELETE FROM moved WHERE id = 2', 'INSERT INTO moved VALUES (0, 0, 0, 9)', 'UPDATE moved SET id = 4 WHERE id = 3'],
    alters: ['MODIFY c INT FIRST, MODIFY a INT AFTER id', 'MODIFY b INT AFTER id, ADD KEY (b)'],
  },
  {
    table: 'widened',
    made: `(id SMALLINT PRIMARY KEY, u TINYINT UNSIGNED, i INT, c CHAR(5), v VARCHAR(10), t TINYTEXT, m DECIMAL(6,2), dt DATETIME, ts TIMESTAMP NULL, ti TIME(1), d DATE, b BIT(3), vb VARBINARY(9), bl TINYBLOB) CHARACTER SET utf8mb4`,
    rows: `(-1, 255, -2147483648, 'ab', 'v ', 'text', -1234.56, '2026-01-02 03:04:05', '2026-01-02 03:04:05', '-12:00:00.5', '2026-02-03', b'101', X'00FF00', X'27'),
      (2, 0, 2147483647, '', '', '', 0, NULL, '2026-10-25 01:30:00', '838:59:59', '1000-01-01', b'0', '', ''), (3, 1, 1, 'x', 'x', 'x', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
    changes: ["UPDATE widened SET u = 1, i = 2, c = 'z', v = 'z', t = 'z', m = 1, dt = NULL, ts = NULL, ti = NULL, d = NULL, b = NULL, vb = 'z', bl = NULL WHERE id = -1", 'DELETE FROM widened WHERE id = 2',
      'UPDATE widened SET id = 5 WHERE id = 3', "INSERT INTO widened SELECT 9, 200, -5, c, v, t, 9999.99, '2026-05-06', '2026-05-06', '1:1:1.1', '2026-05-06', b'11', X'01', X'02' FROM widened WHERE id = 5"],
    alters: [`MODIFY id BIGINT NOT NULL, MODIFY u SMALLINT, MODIFY i DECIMAL(12,1), MODIFY c VARCHAR(6), MODIFY v VARCHAR(400), MODIFY t MEDIUMTEXT, MODIFY m DECIMAL(9,3), MODIFY dt DATETIME(3), MODIFY ts TIMESTAMP(6) NULL,
      MODIFY ti TIME(4), MODIFY d DATETIME, MODIFY b BIT(11), MODIFY vb BLOB, MODIFY bl LONGBLOB`, 'MODIFY v TEXT'],
  },
  {
    table: 'renamed', made: '(id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9), c INT)', rows: "(1, 'a1', 'b1', 1), (2, 'a2', 'b2', 2), (3, 'a3', 'b3', 3)",
    changes: ["UPDATE renamed SET a = 'A' WHERE id = 1", 'DELETE FROM renamed WHERE id = 2', "INSERT INTO renamed VALUES (4, 'a4', 'b4', 4)", 'UPDATE renamed SET c = 0, id = 5 WHERE id = 3'],
    alters: ['RENAME COLUMN a TO b, RENAME COLUMN b TO a', 'CHANGE c n BIGINT', 'CHANGE COLUMN id `the id` INT NOT NULL FIRST, RENAME COLUMN n TO c'],
  },
  {
    table: 'recoded', made: "(id INT PRIMARY KEY, l VARCHAR(40) CHARACTER SET latin1, KEY (l)) CHARACTER SET latin1", rows: `${LATIN1}, (1, 'one'), (2, NULL)`,
    changes: ["UPDATE recoded SET l = X'80E9FF' WHERE id = 10", 'DELETE FROM recoded WHERE id > 10', "UPDATE recoded SET l = 'two' WHERE id = 1", "UPDATE recoded SET l = '' WHERE id = 2", 'INSERT INTO recoded VALUES (99, X\'A9\')'],
    alters: ['CONVERT TO CHARACTER SET utf8mb4'],
  },
  {
    table: 'recoded3', made: '(k VARCHAR(20) CHARACTER SET utf8mb3 PRIMARY KEY, a TEXT CHARACTER SET ascii)', rows: "('\u00e9t\u00e9', 'x'), ('\u20ac', ''), ('z', NULL)",
    changes: ["UPDATE recoded3 SET k = '\u00fc' WHERE k = '\u20ac'", "DELETE FROM recoded3 WHERE k = 'z'", "UPDATE recoded3 SET a = 'y' WHERE k = '\u00e9t\u00e9'", "INSERT INTO recoded3 VALUES ('n', 'n')"],
    alters: ['MODIFY k VARCHAR(30) CHARACTER SET utf8mb4 NOT NULL, MODIFY a MEDIUMTEXT CHARACTER SET latin1', 'MODIFY a LONGTEXT CHARACTER SET utf8mb4'],
  },
  {
    table: 'rekeyed', made: '(id INT PRIMARY KEY, code VARCHAR(9) NOT NULL, n INT, UNIQUE KEY (code), KEY (n))', rows: "(1, 'a', 1), (2, 'b', 2), (3, 'c', 3)",
    changes: ['UPDATE rekeyed SET n = 10 WHERE id = 1', 'DELETE FROM rekeyed WHERE id = 2', "INSERT INTO rekeyed VALUES (4, 'd', 4)", "UPDATE rekeyed SET code = 'C' WHERE id = 3"],
    alters: ['DROP PRIMARY KEY, DROP KEY n, ALTER COLUMN n SET DEFAULT 5', 'DROP KEY code, ADD PRIMARY KEY (code)'],
  },
  {
    table: 'recollated', made: '(k VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY, v VARCHAR(9) COLLATE utf8mb4_bin) CHARACTER SET utf8mb4', rows: "('a', 'v'), ('b', 'V')",
    changes: ["UPDATE recollated SET v = 'w' WHERE k = 'a'", "DELETE FROM recollated WHERE k = 'b'", "INSERT INTO recollated VALUES ('c', 'c')"],
    alters: ['MODIFY k VARCHAR(9) COLLATE utf8mb4_general_ci NOT NULL, MODIFY v VARCHAR(9) COLLATE utf8mb4_general_ci'],
  },
  {
    table: 'computed', made: '(id INT PRIMARY KEY, a INT, g INT AS (a * 2) STORED, h INT AS (a + 1) VIRTUAL)', rows: '(1, 1, DEFAULT, DEFAULT), (2, 2, DEFAULT, DEFAULT), (3, 3, DEFAULT, DEFAULT)',
    changes: ['UPDATE computed SET a = 5 WHERE id = 1', 'DELETE FROM computed WHERE id = 2', 'INSERT INTO computed (id, a) VALUES (4, 4)'],
    alters: ['DROP COLUMN h', 'DROP COLUMN g, ADD COLUMN w INT AS (a + 3) VIRTUAL FIRST'],
  },
  {
    table: 'keyless', made: '(a INT, b VARCHAR(9))', rows: "(1, 'x'), (1, 'x'), (2, 'y')",
    changes: ['DELETE FROM keyless WHERE a = 1 LIMIT 1', 'DELETE FROM keyless WHERE a = 2'], alters: ['ADD COLUMN c INT DEFAULT 3'],
  },
];

/** Differences over which rows do not go back, and the words for it. */
const REFUSED: readonly (Altered & { readonly why: RegExp })[] = [
  { table: 'r_gone', made: '(id INT PRIMARY KEY, v INT)', rows: '(1, 1)', changes: ['DELETE FROM r_gone'], alters: ['DROP COLUMN v'], why: /column v is gone/ },
  { table: 'r_taken', made: '(id INT PRIMARY KEY, v INT, w INT)', rows: '(1, 1, 1)', changes: ['DELETE FROM r_taken'], alters: ['DROP COLUMN v, CHANGE w v INT'], why: /column v is gone/ },
  { table: 'r_narrow', made: '(id INT PRIMARY KEY, v VARCHAR(9))', rows: "(1, 'a')", changes: ["UPDATE r_narrow SET v = 'b'"], alters: ['MODIFY v VARCHAR(8)'], why: /column v was varchar\(9\) and is varchar\(8\) now/ },
  { table: 'r_signed', made: '(id INT PRIMARY KEY, v INT)', rows: '(1, 1)', changes: ['UPDATE r_signed SET v = 2'], alters: ['MODIFY v BIGINT UNSIGNED'], why: /column v was int.* and is bigint.* unsigned now/ },
  { table: 'r_null', made: '(id INT PRIMARY KEY, v INT)', rows: '(1, 1)', changes: ['UPDATE r_null SET v = 2'], alters: ['MODIFY v INT NOT NULL'], why: /column v could be NULL and is NOT NULL now/ },
  { table: 'r_charset', made: '(id INT PRIMARY KEY, v VARCHAR(9) CHARACTER SET utf8mb4)', rows: "(1, 'a')", changes: ["UPDATE r_charset SET v = 'b'"], alters: ['MODIFY v VARCHAR(9) CHARACTER SET latin1'], why: /column v was varchar\(9\) of utf8mb4 and is varchar\(9\) of latin1 now/ },
  { table: 'r_computed', made: '(id INT PRIMARY KEY, v INT, w INT)', rows: '(1, 1, 1)', changes: ['UPDATE r_computed SET v = 2'], alters: ['DROP COLUMN v, ADD COLUMN v INT AS (w + 1) STORED'], why: /column v is generated now/ },
  { table: 'r_own', made: '(id INT PRIMARY KEY, v INT, w INT AS (v + 1) STORED)', rows: '(1, 1, DEFAULT)', changes: ['DELETE FROM r_own'], alters: ['MODIFY w INT'], why: /column w was generated and holds values of its own now/ },
  { table: 'r_lacks', made: '(id INT PRIMARY KEY)', rows: '(1)', changes: ['DELETE FROM r_lacks'], alters: ['ADD COLUMN p POINT NOT NULL'], why: /column p was added without a default/ },
  { table: 'r_twins', made: '(a INT)', rows: '(1), (1)', changes: ['UPDATE r_twins SET a = 2 LIMIT 1'], alters: ['ADD COLUMN b INT'], why: /column b was added, and no key tells rows apart/ },
];

for (const source of sources()) it(`puts rows back into tables that were altered since on ${source.kind}`, async () => {
  await using scene = await Scene.open(source, backup(source.flavour));
  await using daemon = await scene.startDaemon();
  await scene.db.query("SET NAMES utf8mb4; SET SESSION time_zone = '+00:00'");
  const all = [...CASES, ...REFUSED];
  for (const { table, made, rows } of all) {
    await scene.db.query(`CREATE TABLE ${table} ${made}; INSERT INTO ${table} VALUES ${rows}; CREATE TABLE want_${table} LIKE ${table};`);
    const definition = (await readUnlocked(scene.db, scene.schema, table))!;
    const base = definition.columns.filter(({ generated }) => generated === null).map(({ name }) => name).join(', ');
    await scene.db.query(`INSERT INTO want_${table} (${base}) SELECT ${base} FROM ${table}`);
  }
  const start = formatPosition(await scene.position());
  for (const { changes } of all) for (const change of changes) await scene.db.query(change);
  const stop = formatPosition(await scene.position());
  await scene.caughtUp();
  for (const { table, alters } of all) for (const alter of alters) await scene.db.query(`ALTER TABLE ${table} ${alter}`);
  for (const { table, alters } of CASES) for (const alter of alters) await scene.db.query(`ALTER TABLE want_${table} ${alter}`);
  await scene.caughtUp();
  const range = ['--database', scene.schema, '--start-position', start, '--stop-position', stop];

  const script = await scene.cli('script', ...range, ...REFUSED.flatMap(({ table }) => ['--exclude-table', `${scene.schema}.${table}`]));
  assert.equal(script.status, 0, script.stderr);
  assert.match(script.stdout, /WARNING Rows that come back into \S+added hold the default in columns added since: n, s, e, d, b, t\./);
  const applied = await scene.apply(script.stdout);
  assert.equal(applied.status, 0, applied.stderr);
  for (const { table } of CASES) assert.deepEqual(await bytes(scene, table), await bytes(scene, `want_${table}`), table);

  const plan = await scene.json<{ findings: { code: string; message: string }[] }>('plan', ...range);
  const changed = plan.findings.filter(({ code }) => code === 'DEFINITION_CHANGED').map(({ message }) => message);
  for (const { table, why } of REFUSED) assert.ok(changed.some((message) => message.startsWith(`${scene.schema}.${table}: `) && why.test(message)), `${table} in ${changed.join('\n')}`);
  assert.equal(changed.length, REFUSED.length, changed.join('\n'));
  const refused = await scene.cli('script', ...range);
  assert.equal(refused.status, 3);
  assert.match(refused.stderr, /DEFINITION_CHANGED/);
  await daemon.stop();
});

/** Every byte of every column, one line a row, sorted. */
async function bytes(scene: Scene, table: string): Promise<string[]> {
  const { columns } = (await readUnlocked(scene.db, scene.schema, table))!;
  const texts = columns.map((column) => `IFNULL(${exactText(column, scene.source.flavour)}, 'NULL')`);
  return (await query(scene.db, `SELECT CONCAT_WS('|', ${texts.join(', ')}) AS r FROM \`${table}\``)).map(({ r }) => String(r)).sort();
}

for (const source of sources()) it(`puts rows back into the table under the name that it has now on ${source.kind}`, async () => {
  await using scene = await Scene.open(source, backup(source.flavour));
  await using daemon = await scene.startDaemon();
  for (const table of ['moved', 'left', 'right', 'copied']) await scene.db.query(`CREATE TABLE \`${table}\` (id INT PRIMARY KEY, v VARCHAR(9)); INSERT INTO \`${table}\` VALUES (1, '${table}'), (2, 'two')`);
  const start = formatPosition(await scene.position());
  for (const table of ['moved', 'left', 'right', 'copied']) await scene.db.query(`UPDATE \`${table}\` SET v = 'accident' WHERE id = 1; DELETE FROM \`${table}\` WHERE id = 2`);
  const stop = formatPosition(await scene.position());
  await scene.caughtUp();
  // A new table takes the old name; two tables swap theirs; an online change puts a copy into the table's place.
  await scene.db.query(`RENAME TABLE moved TO hop; ALTER TABLE hop RENAME TO arrived, CHANGE v w VARCHAR(20); CREATE TABLE moved LIKE copied;
    RENAME TABLE \`left\` TO tmp, \`right\` TO \`left\`, tmp TO \`right\`;
    CREATE TABLE _copied_gho LIKE copied; ALTER TABLE _copied_gho ADD COLUMN n INT NOT NULL DEFAULT 5; INSERT INTO _copied_gho (id, v) SELECT id, v FROM copied;
    RENAME TABLE copied TO _copied_del, _copied_gho TO copied; DROP TABLE _copied_del`);
  await scene.caughtUp();
  const script = await scene.cli('script', ...['moved', 'left', 'right', 'copied'].flatMap((table) => ['--table', `${scene.schema}.${table}`]), '--start-position', start, '--stop-position', stop);
  assert.equal(script.status, 0, script.stderr);
  assert.match(script.stdout, new RegExp(`WARNING ${scene.schema}\\.moved was renamed since: its rows are undone in ${scene.schema}\\.arrived\\.`));
  const applied = await scene.apply(script.stdout);
  assert.equal(applied.status, 0, applied.stderr);
  const texts = async (sql: string): Promise<string[]> => (await query(scene.db, sql)).map((row) => Object.values(row).join(' '));
  assert.deepEqual(await texts('SELECT id, w FROM arrived ORDER BY id'), ['1 moved', '2 two']);
  assert.deepEqual(await texts('SELECT * FROM moved'), []);
  assert.deepEqual(await texts('SELECT * FROM `left` ORDER BY id'), ['1 right', '2 two']);
  assert.deepEqual(await texts('SELECT * FROM `right` ORDER BY id'), ['1 left', '2 two']);
  assert.deepEqual(await texts('SELECT * FROM copied ORDER BY id'), ['1 copied 5', '2 two 5']);
  await daemon.stop();
});
