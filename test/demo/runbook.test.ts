import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { exec, toolCommand, type ExecResult } from '../../deploy/provision/index.ts';
import { Scene, query } from '../support/scene.ts';
import { backup, source, type SharedServer } from '../support/servers.ts';

const ROOT = join(import.meta.dirname, '../..');
const CLI = process.env.TEST_CLI ?? join(ROOT, 'dist/cli/main.js');

interface Block { readonly heading: string; readonly kind: string; readonly text: string }

async function blocks(): Promise<Block[]> {
  const page = await readFile(join(ROOT, 'docs/runbook.md'), 'utf8');
  let heading = '';
  return [...page.matchAll(/^## (.+)$|^```(sh[ \w]*)\n([\s\S]*?)^```/gm)].flatMap(([, title, kind, text]) => {
    heading = title ?? heading;
    return kind === undefined ? [] : [{ heading, kind, text: text! }];
  });
}

const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A shell in which the page's commands mean our build and the private servers; what it sets lives on from block to block. */
class Shell implements AsyncDisposable {
  readonly #folder: string;
  readonly #scene: Scene;

  private constructor(folder: string, scene: Scene) {
    this.#folder = folder;
    this.#scene = scene;
  }

  static async open(scene: Scene, server: SharedServer): Promise<Shell> {
    const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-runbook-'));
    const program = async (name: string, text: string): Promise<void> => {
      await writeFile(join(folder, name), `#!/bin/bash\n${text}\n`);
      await chmod(join(folder, name), 0o755);
    };
    await program('binlog-undo', `exec ${word(process.execPath)} ${word(CLI)} "$@"`);
    // Both have the options of the page; MariaDB's servers need MariaDB's client.
    const [kind, path, plain] = server.flavour === 'mysql' ? ['mysql-9.7', 'usr/bin/mysql', []] as const : ['mariadb-11.8', 'usr/bin/mariadb', ['--skip-ssl']] as const;
    const tool = await toolCommand(kind, path, ['--no-defaults', ...plain, `--host=${server.host}`, `--port=${server.port}`, `--user=${server.user}`, `--password=${server.password}`]);
    const settings = Object.entries(tool.env).filter(([name]) => ['MARIADB_PLUGIN_DIR', 'LD_LIBRARY_PATH'].includes(name)).map(([name, value]) => `${name}=${word(value ?? '')}`);
    await program('mysql', `for shown in --host=db1 --user=root -p; do [ "$1" = "$shown" ] || { echo "not as the page says: $*" >&2; exit 9; }; shift; done\n${settings.join(' ')} exec ${[tool.command, ...tool.args].map(word).join(' ')} "$@"`);
    await writeFile(join(folder, 'state'), '');
    return new Shell(folder, scene);
  }

  async run(text: string, values: Readonly<Record<string, string>> = {}): Promise<ExecResult> {
    const asked = Object.entries(values).reduce((all, [name, value]) => all.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${word(value)}`), text).replaceAll('shop.products', `${this.#scene.schema}.products`);
    const shell = `set -euo pipefail; cd ${word(this.#folder)}; PATH=${word(this.#folder)}:$PATH; . ./state\n${asked}\n{ declare -p OPID SCRIPT LATER 2>/dev/null || true; } > state`;
    const outer = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BINLOG_UNDO_') && !name.startsWith('NODE_')));
    return exec('bash', ['-c', shell], { env: { ...outer, ...this.#scene.env }, timeout: 600_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

for (const [from, to] of [['mysql', 'mariadb'], ['mariadb', 'mysql']] as const) describe(`docs/runbook.md on ${from}`, () => {
  it('leads from the accident to the verified undo, back again, and past a later change', async () => {
    const page = await blocks();
    await using scene = await Scene.open(source(from), backup(to));
    await using _daemon = await scene.startDaemon();
    await using shell = await Shell.open(scene, scene.source);
    await scene.db.query(`CREATE TABLE products (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(8,2), stock INT) ENGINE=InnoDB;
      INSERT INTO products VALUES (1, 'Espresso', 11.90, 5), (2, 'Crema', 17.50, 6), (3, 'Barista', 6.80, 7), (4, 'Mug', 9.00, 8)`);
    const rows = (): Promise<unknown[]> => query(scene.db, 'SELECT id, name, price, stock FROM products ORDER BY id');
    const before = await rows();
    await scene.db.query("UPDATE products SET name = 'Espresso beans', price = 18.50");
    const harm = await rows();
    await scene.db.query('UPDATE products SET stock = stock - 1 WHERE id = 2');
    const kept = (list: unknown[]): unknown[] => list.map((row) => ((row as { id: number }).id === 2 ? { ...row as object, stock: 5 } : row));
    await scene.caughtUp();

    // In the order of the page: each block ends with status 0.
    const opid = await scene.json<{ operations: { opid: string }[] }>('find', '--table', `${scene.schema}.products`, '--min-rows', '3', '--type', 'UPDATE');
    assert.equal(opid.operations.length, 1);
    const accident = opid.operations[0]!.opid;
    const said: string[] = [];
    for (const block of page.filter(({ kind, heading }) => kind === 'sh' && heading !== 'The undo was wrong')) {
      const result = await shell.run(block.text, { OPID: accident });
      assert.equal(result.status, 0, `${block.heading}: ${block.text}: ${result.stdout}${result.stderr}`);
      said.push(result.stdout);
    }
    const all = said.join('\n');
    for (const told of [/daemon +running/, /lag +none/, new RegExp(`--opid ${accident}`), /^A script is refused in mode nocascade\. .*Suggested: --mode nocascade-force/m, /committed, 4 rows undone/, /by the rollback script [0-9a-f]{16}/, /applied 20\d\d-/, /Espresso\t11\.90/]) assert.match(all, told);
    assert.deepEqual(await rows(), kept(before));

    for (const block of page.filter(({ heading }) => heading === 'The undo was wrong')) assert.equal((await shell.run(block.text)).status, 0);
    assert.deepEqual(await rows(), kept(harm));

    // A later change of the same column: the script of before refuses, and the way out of the page works.
    await scene.db.query('UPDATE products SET price = 19.00 WHERE id = 3');
    await scene.caughtUp();
    const apply = page.find(({ heading }) => heading === '6. Apply it')!;
    const [latest] = (await scene.json<{ operations: { opid: string }[] }>('find', '--table', `${scene.schema}.products`, '--limit', '1')).operations;
    const again = await shell.run(apply.text);
    assert.notEqual(again.status, 0);
    assert.match(again.stderr, /rows have changed since, nothing is committed/);
    await shell.run(`LATER=${word(latest!.opid)}`);
    for (const block of page.filter(({ kind }) => kind === 'sh refused')) {
      const result = await shell.run(block.text);
      assert.equal(result.status, 0, `${block.text}: ${result.stdout}${result.stderr}`);
    }
    assert.deepEqual(await rows(), kept(before));
  });
});
