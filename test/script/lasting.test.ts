import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExecResult } from '../../deploy/provision/index.ts';
import { formatPosition } from '../../src/core/position.ts';
import type { PlanReport, ScriptHistory } from '../../src/script/index.ts';
import { Random } from '../chaos/support/random.ts';
import { SnapshotReader, differences, type Snapshot } from '../property/support/snapshot.ts';
import { PROCESS_LIST } from '../support/any-server.ts';
import { Scene, applyWithClient, query } from '../support/scene.ts';
import { backups, sources } from '../support/servers.ts';
import { until } from '../support/until.ts';

const SEED = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const ALLOWED = ['--allow', 'nonatomic'] as const;

async function made(scene: Scene, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await scene.cli('script', '--source', scene.alias, ...args);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** Tables of a scene, byte by byte. */
class Watch {
  readonly #reader: SnapshotReader;
  readonly #tables: readonly string[];

  constructor(scene: Scene, tables: readonly string[]) {
    this.#reader = new SnapshotReader(scene.db, scene.schema, scene.source.flavour);
    this.#tables = tables;
  }

  read(): Promise<Snapshot> {
    return this.#reader.read(this.#tables);
  }

  async same(expected: Snapshot, what: string): Promise<void> {
    assert.deepEqual([...differences(expected, await this.read())], [], what);
  }
}

function clean({ status, stderr }: ExecResult): void {
  assert.equal(status, 0, stderr);
}

sources().forEach((source, index) => {
  const backup = backups()[index % backups().length]!;
  const aria = source.flavour === 'mariadb';
  const engines = { flat: 'MyISAM', crash: aria ? 'Aria TRANSACTIONAL=1' : 'MyISAM', page: aria ? 'Aria TRANSACTIONAL=0' : 'MyISAM', heap: 'MEMORY', loose: 'MyISAM' } as const;
  const lasting = Object.keys(engines);

  async function tables(scene: Scene): Promise<void> {
    await scene.db.query(`${lasting.map((name) => `CREATE TABLE ${name} (${name === 'loose' ? 'a INT, b VARBINARY(20)' : 'id INT PRIMARY KEY, n INT, u VARCHAR(20) CHARACTER SET utf8mb4, v VARBINARY(50), UNIQUE KEY by_u (u)'}) ENGINE=${engines[name as keyof typeof engines]}`).join(';')};
      CREATE TABLE safe (id INT PRIMARY KEY, n INT) ENGINE=InnoDB`);
    for (const name of lasting) {
      if (name !== 'loose') await scene.db.query(`INSERT INTO ${name} VALUES (1, 1, 'one', X'00FF27'), (2, 2, 'caf\u00e9', ''), (3, 3, NULL, NULL), (4, 4, 'it''s', 'x\\\\')`);
    }
    await scene.db.query("INSERT INTO loose VALUES (1, 'a'), (1, 'a'), (2, X'00'), (NULL, NULL); INSERT INTO safe VALUES (1, 1), (2, 2), (3, 3)");
  }

  describe(`rows of tables that cannot roll back, for ${source.kind}`, () => {
    it('come back byte by byte beside others, in order, when that is allowed, and go again', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await tables(scene);
      const watch = new Watch(scene, [...lasting, 'safe']);
      const before = await watch.read();
      const start = formatPosition(await scene.position());
      await scene.db.query(`UPDATE flat SET n = n * 10, v = CONCAT(COALESCE(v, ''), X'5C27'); UPDATE safe SET n = n + 1; UPDATE flat SET id = id + 10 ORDER BY id DESC; DELETE FROM flat WHERE id = 12;
        INSERT INTO flat VALUES (12, 0, 'new', 'y'), (30, 0, 'caf\u00e9', 'z'); DELETE FROM heap WHERE id < 3; INSERT INTO heap VALUES (9, 9, 'one', NULL); UPDATE safe SET n = n + 1 WHERE id = 2;
        UPDATE crash SET u = CONCAT(u, '+'); DELETE FROM page; DELETE FROM loose WHERE a = 1 LIMIT 1; UPDATE loose SET a = 5, b = 'q'; INSERT INTO loose VALUES (5, 'q'), (5, 'q'); DELETE FROM safe WHERE id = 3`);
      const harm = await watch.read();
      const stop = formatPosition(await scene.position());
      await scene.caughtUp();
      const range = ['--start-position', start, '--stop-position', stop];

      const refused = await scene.cli('script', '--source', scene.alias, ...range);
      assert.deepEqual([refused.status, refused.stdout], [3, '']);
      assert.match(refused.stderr, /^binlog-undo: NOT_ATOMIC: .*which cannot roll back: the script is divided into sections/);
      const plan = await scene.json<PlanReport>('plan', '--source', scene.alias, ...range);
      assert.deepEqual(plan.findings.map(({ code, allow, allowed }) => [code, allow, allowed]), lasting.map(() => ['NOT_ATOMIC', 'nonatomic', false]));
      assert.deepEqual(plan.tables.filter(({ engine }) => engine === 'InnoDB').map(({ table }) => table), [`${scene.schema}.safe`]);
      const told = await scene.cli('plan', '--source', scene.alias, ...range);
      assert.match(told.stdout, /^REFUSED NOT_ATOMIC: \S+\.flat is MyISAM, which cannot roll back: .*\(--allow nonatomic\)$/m);

      const text = await made(scene, ...range, ...ALLOWED);
      assert.match(text, /^-- WARNING NOT_ATOMIC: \S+\.heap is MEMORY, which cannot roll back/m);
      // Newest first: rows that roll back, others, and so on; what follows one another shares a section.
      assert.deepEqual([...text.matchAll(/^LOCK TABLES (.*);$/gm)].map(([, locked]) => locked!.split(', ').map((name) => name.replace(/^.*\.`(\w+)` WRITE$/, '$1')).sort()),
        [['crash', 'loose', 'page'], ['flat', 'heap'], ['flat']]);
      const applied = await scene.apply(text);
      clean(applied);
      assert.deepEqual([...applied.stdout.matchAll(/binlog-undo: part (\d+) (committed|done), \d+ rows undone/g)].map(([, part, how]) => `${part!} ${how!}`),
        ['1 committed', '2 done', '3 committed', '4 done', '5 committed', '6 done']);
      await watch.same(before, 'undone');

      // A second run finds nothing as it needs it, and each of its statements is known as one of the script.
      const again = await applyWithClient(source, text, ['--force']);
      assert.match(again.stderr, /part 2: its tables are not locked, stopped|part 1 and what follows are not committed/);
      await watch.same(before, 'run twice');
      await scene.caughtUp();
      const id = /rollback script ([0-9a-f]{16})/.exec(text)![1]!;
      clean(await scene.apply(await made(scene, '--script', id, ...ALLOWED)));
      await watch.same(harm, 'undone again');
      const { scripts } = JSON.parse((await scene.cli('scripts', '--json')).stdout) as ScriptHistory;
      assert.notEqual(scripts.find((script) => script.id === id)?.applied, null);
    });

    it('change not at all where one of them changed after the plan, nor does what comes behind them', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await tables(scene);
      const watch = new Watch(scene, [...lasting, 'safe']);
      const start = formatPosition(await scene.position());
      await scene.db.query(`UPDATE safe SET n = n + 1 WHERE id = 1; UPDATE heap SET n = n + 1; DELETE FROM flat WHERE id = 1; UPDATE flat SET n = n + 1; INSERT INTO flat VALUES (7, 7, 'seven', NULL);
        INSERT INTO loose VALUES (7, 'g'), (7, 'g'), (7, 'g')`);
      const stop = formatPosition(await scene.position());
      await scene.caughtUp();
      const text = await made(scene, '--start-position', start, '--stop-position', stop, ...ALLOWED);
      const harm = await watch.read();
      for (const [spoil, mend, differ] of [
        ['UPDATE flat SET n = 77 WHERE id = 2', 'UPDATE flat SET n = 3 WHERE id = 2', 1],
        ["INSERT INTO flat VALUES (1, 0, 'taken', NULL)", 'DELETE FROM flat WHERE id = 1', 1],
        ["INSERT INTO flat VALUES (8, 0, 'one', NULL)", 'DELETE FROM flat WHERE id = 8', 1],
        ["UPDATE flat SET u = 'SEVEN' WHERE id = 7", "UPDATE flat SET u = 'seven' WHERE id = 7", 1],
        ['DELETE FROM loose WHERE a = 7 LIMIT 1', "INSERT INTO loose VALUES (7, 'g')", 1],
        ['DELETE FROM heap', "INSERT INTO heap VALUES (1, 2, 'one', X'00FF27'), (2, 3, 'caf\u00e9', ''), (3, 4, NULL, NULL), (4, 5, 'it''s', 'x\\\\')", 4],
      ] as const) {
        await scene.db.query(spoil);
        const spoiled = await watch.read();
        for (const args of [[], ['--force']]) {
          const { status, stdout, stderr } = await applyWithClient(source, text, args);
          if (args.length === 0) assert.notEqual(status, 0);
          assert.match(stderr, new RegExp(`binlog-undo: part 1: ${differ} rows or keys differ, stopped`), spoil);
          assert.doesNotMatch(stdout, /(?:committed|done), /);
          await watch.same(spoiled, `${spoil} ${args.join(' ')}`);
        }
        await scene.db.query(mend);
      }
      await watch.same(harm, 'mended');

      // Who may not lock a table does not change it.
      const weak = `weak_${scene.schema.slice(-8)}`;
      await scene.db.query(`CREATE USER '${weak}'@'%' IDENTIFIED BY 'may-not-lock-1'; GRANT SELECT, INSERT, UPDATE, DELETE ON \`${scene.schema}\`.* TO '${weak}'@'%'`);
      if (source.flavour === 'mysql') await scene.db.query(`GRANT SELECT ON performance_schema.* TO '${weak}'@'%'`);
      try {
        const { stderr } = await applyWithClient({ ...source, user: weak, password: 'may-not-lock-1' }, text, ['--force']);
        assert.match(stderr, /part 1: its tables are not locked, stopped/);
        await watch.same(harm, 'without the right to lock');
      } finally {
        await scene.db.query(`DROP USER '${weak}'@'%'`);
      }

      // A statement that fails after the look ends the section there, also for a client that goes on.
      await scene.db.query("CREATE TRIGGER odd BEFORE UPDATE ON flat FOR EACH ROW SET NEW.v = IF(NEW.id = 3, REPEAT('x', 60), NEW.v)");
      const stopped = await applyWithClient(source, text.replace("sql_mode='", "sql_mode='STRICT_ALL_TABLES,"), ['--force']);
      assert.match(stopped.stderr, /part 1: not all rows were undone, stopped/);
      assert.doesNotMatch(stopped.stdout, /(?:committed|done), /);
      const rows = await query(scene.db, 'SELECT id, n FROM flat ORDER BY id');
      assert.deepEqual(rows.filter(({ id }) => id !== 7).map(({ id, n }) => `${String(id)} ${String(n)}`), ['2 3', '3 4', '4 4'], 'in reverse: 7 went, 4 was undone, 3 failed, 2 was left');
      assert.deepEqual(await query(scene.db, 'SELECT n FROM safe WHERE id = 1'), [{ n: 2 }]);
    });

    it('are locked from the look to the last change, and the run is noted before', async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await tables(scene);
      await scene.db.query('CREATE TABLE once (script CHAR(16) PRIMARY KEY, applied TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB');
      const watch = new Watch(scene, ['flat', 'once']);
      const start = formatPosition(await scene.position());
      await scene.db.query('UPDATE flat SET n = 0');
      const stop = formatPosition(await scene.position());
      await scene.caughtUp();
      const text = await made(scene, '--start-position', start, '--stop-position', stop, ...ALLOWED, '--once-table', `${scene.schema}.once`);
      await scene.db.query('UPDATE flat SET n = 5 WHERE id = 1');
      assert.match((await scene.apply(text)).stderr, /part 1: 1 rows or keys differ/);
      // Noted before anything that stays could be changed, it counts as applied until somebody takes the note back.
      assert.match((await applyWithClient(source, text, ['--force'])).stderr, /Duplicate entry/);
      await scene.db.query('UPDATE flat SET n = 0 WHERE id = 1; DELETE FROM once');

      const mark = `/* ${scene.schema} */`;
      const running = applyWithClient(source, text.replace('SET @n=0;', `SET @n=0; DO SLEEP(2) ${mark};`), ['--comments']);
      await until('the script is between its looks and its changes', async () =>
        (await query(scene.db, `SELECT 1 FROM ${PROCESS_LIST} WHERE info LIKE ?`, [`DO SLEEP%${scene.schema}%`])).length > 0);
      const other = await scene.session();
      const late = other.query('UPDATE flat SET n = n + 1000 WHERE id IN (1, 2)');
      clean(await running);
      await late;
      await other.end();
      assert.deepEqual(await query(scene.db, 'SELECT id, n FROM flat ORDER BY id'), [{ id: 1, n: 1001 }, { id: 2, n: 1002 }, { id: 3, n: 3 }, { id: 4, n: 4 }]);
      await scene.db.query('UPDATE flat SET n = 0');
      const state = await watch.read();
      for (const args of [[], ['--force']]) {
        assert.match((await applyWithClient(source, text, args)).stderr, /Duplicate entry/);
        await watch.same(state, 'applied already');
      }
    });

    it(`come back from random histories, also through an ALTER, seed ${SEED}`, async () => {
      await using scene = await Scene.open(source, backup);
      await using _daemon = await scene.startDaemon();
      await scene.db.query('CREATE TABLE m (id INT PRIMARY KEY, n INT, u INT, UNIQUE KEY by_u (u)) ENGINE=MyISAM; CREATE TABLE k (a INT, b INT) ENGINE=MyISAM; CREATE TABLE i (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO i VALUES (1, 1)');
      const watch = new Watch(scene, ['m', 'k', 'i']);
      const random = new Random(SEED);
      const value = (below: number): number => random.between(0, below - 1);
      const step = (): string => {
        const [x, y, z] = [value(8), value(8), value(5)];
        return [
          `INSERT IGNORE INTO m (id, n, u) VALUES (${x}, ${z}, ${z === 0 ? 'NULL' : y})`, `UPDATE IGNORE m SET n = n + 1 WHERE id = ${x}`, `UPDATE IGNORE m SET id = ${y} WHERE id = ${x}`,
          `UPDATE IGNORE m SET u = ${z === 0 ? 'NULL' : y} WHERE id = ${x}`, `DELETE FROM m WHERE id = ${x}`, `REPLACE INTO m (id, n, u) VALUES (${x}, ${z}, ${y})`,
          `INSERT INTO k (a, b) VALUES (${z}, 1), (${z}, 1)`, `UPDATE k SET a = ${z} WHERE a = ${value(5)} LIMIT 1`, `DELETE FROM k WHERE a = ${z} LIMIT 1`, `UPDATE k SET b = b + 1 WHERE a = ${z}`,
          `UPDATE i SET n = n + 1`,
        ][value(11)]!;
      };
      for (let round = 0; round < 4; round++) {
        const before = await watch.read();
        const start = formatPosition(await scene.position());
        for (let i = 0; i < 60; i++) await scene.db.query(step());
        // What the rows were before it is not what they are behind it.
        if (round === 2) await scene.db.query('ALTER TABLE k MODIFY b BIGINT; ALTER TABLE m MODIFY n BIGINT');
        if (round === 2) for (let i = 0; i < 60; i++) await scene.db.query(step());
        const stop = formatPosition(await scene.position());
        await scene.caughtUp();
        const types = ['INSERT', 'UPDATE', 'DELETE'].flatMap((type) => ['--type', type]);
        clean(await scene.apply(await made(scene, '--start-position', start, '--stop-position', stop, '--mode', 'nocascade-force', ...types, ...ALLOWED, ...(round % 2 === 0 ? [] : ['--guard', 'row']))));
        await watch.same(before, `round ${round}`);
      }
    });

    it('are refused where their engine takes nothing back', async (t) => {
      await using scene = await Scene.open(source, backup);
      const [engine] = await query(scene.db, "SELECT engine AS name FROM information_schema.engines WHERE engine IN ('ARCHIVE', 'BLACKHOLE') AND support IN ('YES', 'DEFAULT')");
      if (!engine) {
        t.skip('the server has no such engine');
        return;
      }
      await scene.db.query(`CREATE TABLE held (id INT) ENGINE=${String(engine.name)}`);
      await using _daemon = await scene.startDaemon();
      const start = formatPosition(await scene.position());
      await scene.db.query('INSERT INTO held VALUES (1)');
      await scene.caughtUp();
      const { status, stderr } = await scene.cli('script', '--source', scene.alias, '--start-position', start, ...ALLOWED);
      assert.equal(status, 3);
      assert.match(stderr, /^binlog-undo: NOT_UNDOABLE: \S+\.held is (ARCHIVE, which deletes and updates no row|BLACKHOLE, which keeps no row)/);
    });
  });
});
