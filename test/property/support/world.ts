import type { Connection } from 'mysql2/promise';
import { quoteName, quoteTable } from '../../../src/core/identifiers.ts';
import { formatPosition, type Position } from '../../../src/core/position.ts';
import { formatTable } from '../../../src/script/selection.ts';
import { scriptSessionSettings } from '../../../src/rollback/index.ts';
import type { Daemon } from '../../support/daemon.ts';
import { Scene, query, type Row } from '../../support/scene.ts';
import type { SharedServer } from '../../support/servers.ts';
import type { ServerTraits } from './arbitrary.ts';
import type { CaseSpec, TransactionSpec } from './case.ts';
import { differences, SnapshotReader, type Snapshot } from './snapshot.ts';
import { CaseSql } from './sql.ts';

/** A case that did not come back as it was. */
export interface Failure {
  readonly index: number;
  readonly phase: string;
  readonly detail: string;
}

export interface Counts {
  cases: number;
  /** Tables whose keys or extras the server refused, created without them. */
  reduced: number;
  statements: number;
  refusedStatements: number;
  /** Statements run from the backup tables. */
  backupStatements: number;
  scriptStatements: number;
}

const SESSIONS = 4;
/** Whatever the operator's session has by default, the backup rows must not depend on it. */
const FOREIGN_MODES = ['', ',ANSI_QUOTES', ',NO_BACKSLASH_ESCAPES', ',ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'] as const;
const FOREIGN_ZONES = ['SYSTEM', '-05:00', '+05:30', '+13:00'] as const;

/** A daemon that captures one schema, in which batches of cases are run and undone. */
export class World implements AsyncDisposable {
  readonly counts: Counts = { cases: 0, reduced: 0, statements: 0, refusedStatements: 0, backupStatements: 0, scriptStatements: 0 };
  readonly traits: ServerTraits;
  /** Spoils a statement before it runs: the check of the check. */
  spoil: ((statement: string) => string) | null = null;
  readonly #scene: Scene;
  readonly #daemon: Daemon;
  readonly #sessions: readonly Connection[];
  #batches = 0;

  private constructor(traits: ServerTraits, scene: Scene, daemon: Daemon, sessions: readonly Connection[]) {
    this.traits = traits;
    this.#scene = scene;
    this.#daemon = daemon;
    this.#sessions = sessions;
  }

  static async open(source: SharedServer, backup: SharedServer): Promise<World> {
    const scene = await Scene.open(source, backup);
    const daemon = await scene.startDaemon();
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => scene.session()));
    for (const session of [...sessions, scene.db]) for (const setting of scriptSessionSettings(source.flavour)) await session.query(setting);
    const collations = await query(scene.db,
      source.flavour === 'mysql'
        ? 'SELECT character_set_name AS s, collation_name AS c FROM information_schema.collations'
        : 'SELECT character_set_name AS s, full_collation_name AS c FROM information_schema.collation_character_set_applicability');
    const pairs = collations.map(({ s, c }) => [String(s), String(c)] as const).filter(([set]) => set !== 'binary' && set !== 'null');
    return new World({ flavour: source.flavour, version: source.version, collations: pairs }, scene, daemon, sessions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.end()));
    await this.#daemon.stop();
    await this.#scene[Symbol.asyncDispose]();
  }

  /**
   * Runs the windows of all cases at once, in interleaved sessions. Then takes them back by the backup rows, takes that
   * back by a script, and takes the windows back by a script; every table is compared byte by byte after each.
   */
  async run(specs: readonly CaseSpec[]): Promise<Failure[]> {
    const scene = this.#scene;
    const batch = this.#batches++;
    const cases = specs.map((spec, index) => new CaseSql(spec, `b${batch}_${index}`));
    this.counts.cases += cases.length;
    const tables = cases.flatMap((sql) => sql.tables);
    const owner = new Map(cases.flatMap((sql, index) => sql.tables.map((table) => [table, index] as const)));
    await this.#each(cases, (sql, session) => this.#create(sql, session));
    await this.#each(cases, (sql, session) => this.#transactions(sql, sql.spec.prelude, session));
    const reader = new SnapshotReader(scene.db, scene.schema, this.traits.flavour);
    const start = await scene.position();
    const before = await reader.read(tables);
    await this.#each(cases, (sql, session) => this.#transactions(sql, sql.spec.window, session));
    const stop = await scene.position();
    const after = await reader.read(tables);

    const failures: Failure[] = [];
    const compare = async (phase: string, expected: Snapshot): Promise<void> => {
      for (const [table, how] of differences(expected, await reader.read(tables))) failures.push({ index: owner.get(table)!, phase, detail: `${table}: ${how}` });
    };
    failures.push(...await this.#undoByBackupRows(cases, owner, start, stop));
    await compare('backup rows', before);
    const undone = await scene.position();
    if (failures.length === 0) {
      failures.push(...await this.#undoByScript('script of the undo', owner, stop, undone));
      await compare('script of the undo', after);
    }
    if (failures.length === 0) {
      failures.push(...await this.#undoByScript('script of the window', owner, start, stop));
      await compare('script of the window', before);
    }
    await this.#each(cases, async (sql, session) => {
      await session.query(`DROP TABLE ${sql.tables.map((table) => quoteName(table)).join(', ')}`);
    });
    return failures;
  }

  /** Spreads the cases over the sessions; one case's work stays in order. */
  async #each(cases: readonly CaseSql[], work: (sql: CaseSql, session: Connection) => Promise<void>): Promise<void> {
    let next = 0;
    await Promise.all(this.#sessions.map(async (session) => {
      while (next < cases.length) await work(cases[next++]!, session);
    }));
  }

  async #create(sql: CaseSql, session: Connection): Promise<void> {
    for (const index of sql.tables.keys()) {
      for (const plain of ['as-is', 'without-extras', 'bare'] as const) {
        try {
          await session.query(sql.create(index, plain));
          if (plain !== 'as-is') this.counts.reduced++;
          break;
        } catch (error) {
          if (plain === 'bare') throw new Error(`${String(error)}\n${sql.create(index, plain)}`, { cause: error });
        }
      }
    }
  }

  async #transactions(sql: CaseSql, transactions: CaseSpec['window'], session: Connection): Promise<void> {
    const keyed = await allKeyed(session, sql.tables);
    for (const transaction of transactions) {
      await session.query(`SET SESSION ${this.#logging(transaction, keyed)}`);
      for (const statement of sql.transaction(transaction)) {
        this.counts.statements++;
        // Random statements may be refused (duplicates, types); what the server did is what counts.
        await session.query(statement).catch(() => this.counts.refusedStatements++);
      }
      // A refused statement may have left it open.
      await session.query('ROLLBACK').catch(() => undefined);
    }
  }

  /** Without a key a row is found by all it became, which a partial document does not tell: those are refused. */
  #logging({ compressed, image }: TransactionSpec, keyed: boolean): string {
    if (this.traits.flavour === 'mysql') return `binlog_transaction_compression=${compressed ? 1 : 0}, binlog_row_value_options='${keyed ? image : ''}'`;
    return `binlog_row_image='${image === '' ? 'FULL' : image}'`;
  }

  /** As Archery does it: operation by operation, the newest first, statements in the order in which the table hands them out. */
  async #undoByBackupRows(cases: readonly CaseSql[], owner: ReadonlyMap<string, number>, start: Position, stop: Position): Promise<Failure[]> {
    const scene = this.#scene;
    await scene.caughtUp();
    const operations = await this.#operationsBetween(start, stop);
    const byCase = new Map<number, Row[]>();
    for (const operation of operations) {
      const index = owner.get(String(operation.table_name));
      if (index !== undefined) byCase.set(index, [...byCase.get(index) ?? [], operation]);
    }
    const statements = new Map<string, string[]>();
    for (const table of new Set(operations.map((operation) => String(operation.table_name)))) {
      for (const row of await query(scene.log, `SELECT opid_time, rollback_statement FROM ${quoteTable(scene.backupDatabase, table)}`)) {
        const list = statements.get(String(row.opid_time)) ?? [];
        statements.set(String(row.opid_time), list);
        list.push(String(row.rollback_statement));
      }
    }
    const failures: Failure[] = [];
    const pinned = this.#sessions;
    const plain = await Promise.all(this.#sessions.map(() => scene.session()));
    for (const [place, session] of plain.entries()) {
      await session.query(`SET time_zone='${FOREIGN_ZONES[place % FOREIGN_ZONES.length]!}', sql_mode=CONCAT(@@sql_mode, '${FOREIGN_MODES[place % FOREIGN_MODES.length]!}')`);
    }
    await this.#each(cases, async (sql, session) => {
      const index = cases.indexOf(sql);
      for (const operation of byCase.get(index)?.toReversed() ?? []) {
        if (operation.state !== 'captured') failures.push({ index, phase: 'state', detail: `${String(operation.table_name)}: ${String(operation.state)}` });
        for (const statement of statements.get(String(operation.opid)) ?? []) {
          this.counts.backupStatements++;
          try {
            await plain[pinned.indexOf(session)]!.query(this.spoil?.(statement) ?? statement);
          } catch (error) {
            failures.push({ index, phase: 'backup rows', detail: `${String(error)}\n${statement.slice(0, 2000)}` });
          }
        }
      }
    });
    await Promise.all(plain.map((session) => session.end()));
    return failures;
  }

  async #operationsBetween(start: Position, stop: Position): Promise<Row[]> {
    const number = (file: string): number => Number(file.slice(file.lastIndexOf('.') + 1));
    return this.#scene.ledgerRows(
      `SELECT o.opid, o.table_name, o.state FROM operations o JOIN transactions t ON t.source_id = o.source_id AND t.ordinal = o.ordinal
       WHERE o.ddl = 0 AND (t.start_number > ? OR (t.start_number = ? AND t.start_offset >= ?)) AND (t.end_number < ? OR (t.end_number = ? AND t.end_offset <= ?))
       ORDER BY o.ordinal, o.seq`,
      [number(start.file), number(start.file), start.offset, number(stop.file), number(stop.file), stop.offset]);
  }

  async #undoByScript(phase: string, owner: ReadonlyMap<string, number>, start: Position, stop: Position): Promise<Failure[]> {
    const { schema } = this.#scene;
    const failures = await this.#applyScript(phase, ['--database', schema], start, stop, owner);
    if (failures.length === 0 || owner.size <= 2) return failures;
    // All of it was refused as one: find out by whom, case by case.
    for (const index of new Set(owner.values())) {
      const selected = [...owner].filter(([, of]) => of === index).flatMap(([table]) => ['--table', formatTable({ schema, table })]);
      const [failure] = await this.#applyScript(phase, selected, start, stop, owner);
      if (failure) return [{ ...failure, index }];
    }
    return failures;
  }

  async #applyScript(phase: string, selected: readonly string[], start: Position, stop: Position, owner: ReadonlyMap<string, number>): Promise<Failure[]> {
    const script = await this.#scene.cli('script', '--mode', 'nocascade-force', '--start-position', formatPosition(start), '--stop-position', formatPosition(stop), ...selected,
      '--wait', '60');
    // Nothing happened to the tables of this case.
    if (script.stderr.includes('TABLE_UNKNOWN')) return [];
    if (script.status !== 0) {
      const refusal = script.stderr.split('\n').filter((line) => !line.includes(' warning: ')).join('\n');
      return [{ index: ownerIn(owner, refusal), phase, detail: refusal.slice(0, 3000) }];
    }
    this.counts.scriptStatements += Number(/^-- statements: (\d+)/m.exec(script.stdout)?.[1] ?? 0);
    const text = this.spoil ? script.stdout.split('\n').map((line) => (/^(?:INSERT|UPDATE|DELETE) /.test(line) ? this.spoil!(line) : line)).join('\n') : script.stdout;
    const applied = await this.#scene.apply(text);
    if (applied.status === 0) return [];
    const line = Number(/at line (\d+)/.exec(applied.stderr)?.[1] ?? 0);
    const statement = text.split('\n')[line - 1] ?? '';
    return [{ index: ownerIn(owner, statement), phase, detail: `${applied.stderr.slice(0, 1000)}\n${statement.slice(0, 3000)}` }];
  }
}

async function allKeyed(session: Connection, tables: readonly string[]): Promise<boolean> {
  for (const table of tables) {
    const parts = await query(session, `SHOW KEYS FROM ${quoteName(table)} WHERE Key_name = 'PRIMARY'`);
    if (parts.length === 0 || parts.some((part) => part['Sub_part'] !== null)) return false;
  }
  return true;
}

/** The case of the first table that a text names; 0 when it names none. */
function ownerIn(owner: ReadonlyMap<string, number>, text: string): number {
  for (const [table, index] of owner) if (text.includes(quoteName(table)) || text.includes(`.${table}`)) return index;
  return 0;
}
