import { NONE } from '../../rollback/index.ts';
import { rows } from '../../core/mysql.ts';
import { unpackKeySet } from '../../store/key-set.ts';
import { BlockReader, rowsBackwards, toTransaction, transactionColumns, type LoggedRows, type StoredTransaction } from '../../store/log-reader.ts';
import { chaptersBackwards } from '../chapters.ts';
import { and, ordinals, type Condition } from '../conditions.ts';
import type { ScriptContext } from '../context.ts';
import { UndoError } from '../../core/errors.ts';
import { fromOperations } from '../tally.ts';
import type { ChangeReader } from './change-reader.ts';
import type { ConflictTables } from './tables.ts';
import type { Change } from './types.ts';
import { WantedKeys } from './wanted.ts';

/** What is undone, of which source. */
export interface SearchScope {
  readonly sourceId: number;
  /** The operations that are looked at. */
  readonly where: Condition;
  /** All that is undone, these among it: nothing of it is in the way. */
  readonly undone: Condition;
  /** The first ordinal among them. */
  readonly first: number;
}

/** Changes that are kept to be compared; more is more than anybody reads. */
const MOST_CHANGES = 200_000;
const SETS_AT_ONCE = 200;

interface Candidate {
  readonly block: number;
  from: number;
  to: number;
}

type Fields = Record<string, string | number | null>;

/**
 * Finds later changes that may stand in the way of an undo, and the selected changes that they may meet: by hashes, so that
 * what is found still has to be compared. Reads the selected rows, the key sets of all later blocks, and only the rows of
 * those blocks whose sets hold a wanted hash.
 */
export class ConflictSearch {
  readonly #context: ScriptContext;
  readonly #scope: SearchScope;
  readonly #tables: ConflictTables;
  readonly #blocks: BlockReader;
  readonly #wanted = new WantedKeys();

  constructor(context: ScriptContext, scope: SearchScope, tables: ConflictTables) {
    this.#context = context;
    this.#scope = scope;
    this.#tables = tables;
    this.#blocks = new BlockReader(context.connection, context.ledger, scope.sourceId);
  }

  /** @returns later changes and selected ones that may meet; both empty when surely none do. */
  async run(): Promise<{ readonly later: readonly Change[]; readonly selected: readonly Change[] }> {
    let firstBlock = Number.MAX_SAFE_INTEGER;
    await this.#eachSelected((reader, logged) => {
      firstBlock = Math.min(firstBlock, logged.block);
      this.#readable(reader, logged, (row) => {
        for (const rule of reader.checks) {
          const hash = row.hash(rule);
          if (hash !== NONE) this.#wanted.add(rule.probe, hash);
        }
      });
    });
    if (this.#wanted.size === 0) return { later: [], selected: [] };
    const later = await this.#laterChanges(firstBlock);
    if (later.length === 0) return { later, selected: [] };
    return { later, selected: await this.#selectedChanges(later) };
  }

  /** The selected changes that a later one, or a selected one that is left out because of it, may meet; newest first. */
  async #selectedChanges(later: readonly Change[]): Promise<Change[]> {
    const emitted = new Set<string>();
    const spaces = new Set<string>();
    const note = (change: Change): void => {
      for (const { space, parts } of change.emits) {
        spaces.add(space);
        emitted.add(looseValue(space, parts));
      }
    };
    for (const change of later) note(change);
    const found: Change[] = [];
    await this.#eachSelected((reader, logged) => {
      if (!reader.checks.some(({ space }) => spaces.has(space))) return;
      const own: Change[] = [];
      this.#readable(reader, logged, (row) => {
        const change = row.change({ ordinal: logged.ordinal, block: logged.block, start: logged.record.start }, logged.record.operation);
        if (change.checks.some(({ space }) => spaces.has(space))) own.push(change);
      });
      for (const change of own.reverse()) {
        if (!change.checks.some(({ space, parts }) => spaces.has(space) && (emitted.has(looseValue(space, parts)) || emitted.has(looseValue(space, null)) || isLoose(parts)))) continue;
        this.#keep(found, change);
        note(change);
      }
    });
    return found;
  }

  async #laterChanges(firstBlock: number): Promise<Change[]> {
    const found: Change[] = [];
    const candidates = await this.#candidates(firstBlock);
    for (const candidate of candidates) {
      this.#context.signal?.throwIfAborted();
      const transactions = await this.#transactions('t.ordinal BETWEEN ? AND ? AND t.rows_file IS NULL AND t.first_block <= ? AND t.last_block >= ?',
        [Math.max(candidate.from, this.#scope.first), candidate.to, candidate.block, candidate.block]);
      await this.#changesIn(candidate.block, transactions, found);
    }
    // Rows of XA transactions lie where they were prepared, which may be before anything selected.
    for (const transaction of await this.#transactions('t.ordinal >= ? AND t.rows_file IS NOT NULL AND t.first_block IS NOT NULL', [this.#scope.first])) {
      for (let block = transaction.firstBlock!; block <= transaction.lastBlock!; block++) await this.#changesIn(block, [transaction], found);
    }
    return found;
  }

  /** Blocks whose key sets may hold what is wanted, in order. */
  async #candidates(firstBlock: number): Promise<Candidate[]> {
    const { connection, ledger } = this.#context;
    const tables = [...new Map(this.#wanted.tables.map((name) => [`${name.schema}\0${name.table}`, name])).values()];
    const found = new Map<number, Candidate>();
    const among = tables.map(() => '(schema_name = ? AND table_name = ?)').join(' OR ');
    for (let [block, part] = [firstBlock, -1]; ;) {
      const sets = await rows<Fields & { data: Buffer }>(connection,
        `SELECT block, part, schema_name, table_name, from_ordinal, to_ordinal, data FROM ${ledger.table('block_keys')}
         WHERE source_id = ? AND (block > ? OR (block = ? AND part > ?)) AND (${among}) ORDER BY block, part LIMIT ${SETS_AT_ONCE}`,
        [this.#scope.sourceId, block, block, part, ...tables.flatMap(({ schema, table }) => [schema, table])]);
      for (const set of sets) {
        const [schema, table] = [String(set.schema_name), String(set.table_name)];
        const present = this.#tables.definition(schema, table);
        if (present && this.#wanted.mayMeet(schema, table, unpackKeySet(set.data), present)) {
          const number = Number(set.block);
          found.set(number, { block: number, from: Number(set.from_ordinal), to: Number(set.to_ordinal) });
        }
      }
      const last = sets.at(-1);
      if (!last || sets.length < SETS_AT_ONCE) return [...found.values()];
      [block, part] = [Number(last.block), Number(last.part)];
    }
  }

  async #transactions(where: string, parameters: readonly number[]): Promise<StoredTransaction[]> {
    const { connection, ledger } = this.#context;
    const found = await rows<Fields>(connection,
      `SELECT ${transactionColumns('t')} FROM ${ledger.table('transactions')} t WHERE t.source_id = ? AND ${where} ORDER BY t.ordinal`, [this.#scope.sourceId, ...parameters]);
    return found.map(toTransaction);
  }

  /** Changes of these transactions in a block that are not selected and emit something wanted. */
  async #changesIn(block: number, transactions: readonly StoredTransaction[], found: Change[]): Promise<void> {
    const [first, last] = [transactions[0], transactions.at(-1)];
    if (!first || !last) return;
    const byTag = new Map(transactions.map((transaction) => [transaction.tag, transaction]));
    const range = ordinals(this.#scope.sourceId, first.ordinal, last.ordinal + 1);
    const kept = await this.#operations(range);
    const selected = await this.#operations(and(range, this.#scope.undone));
    const contents = await this.#blocks.read(block);
    for (const record of contents.rows) {
      const transaction = byTag.get(record.tag);
      if (!transaction) continue;
      const name = `${transaction.ordinal} ${record.operation}`;
      // What was rolled back stands in blocks too, but is no operation.
      if (!kept.has(name) || selected.has(name)) continue;
      const logged = { block, contents, record };
      const reader = this.#tables.find(transaction, logged);
      if (!reader) continue;
      this.#readable(reader, logged, (row) => {
        if (!reader.emits.some((rule) => {
          const hash = row.hash(rule);
          return hash !== NONE && this.#wanted.has(rule.probe, hash);
        })) return;
        this.#keep(found, row.change({ ordinal: transaction.ordinal, block, start: record.start }, record.operation));
      });
    }
  }

  async #operations(where: Condition): Promise<Set<string>> {
    const { connection, ledger } = this.#context;
    const found = await rows<{ ordinal: string; seq: number }>(connection, `SELECT o.ordinal AS ordinal, o.seq AS seq ${fromOperations(ledger)} WHERE ${where.sql} AND o.ddl = 0`, where.parameters);
    return new Set(found.map(({ ordinal, seq }) => `${ordinal} ${seq}`));
  }

  #keep(found: Change[], change: Change): void {
    if (found.length >= MOST_CHANGES) {
      throw new UndoError('CONFLICT', `More than ${MOST_CHANGES} later changes touch the selected rows: too many to be told one by one.`);
    }
    found.push(change);
  }

  #readable(reader: ChangeReader, logged: LoggedRows, each: Parameters<ChangeReader['read']>[1]): void {
    if (!reader.read(logged, each)) this.#tables.unread.add(`${reader.shape.schema}.${reader.shape.table}`);
  }

  async #eachSelected(each: (reader: ChangeReader, logged: LoggedRows & { readonly ordinal: number }) => void): Promise<void> {
    const { connection, ledger, signal } = this.#context;
    for await (const { transaction, operations } of chaptersBackwards(connection, ledger, this.#scope.sourceId, this.#scope.where)) {
      const wanted = new Set(operations.map(({ seq }) => seq));
      for await (const logged of rowsBackwards(this.#blocks, transaction)) {
        if (!wanted.has(logged.record.operation)) continue;
        const reader = this.#tables.find(transaction, logged);
        if (reader) each(reader, { ...logged, ordinal: transaction.ordinal });
      }
      signal?.throwIfAborted();
    }
  }
}

const isLoose = (parts: Change['checks'][number]['parts']): boolean => parts.some(({ text }) => text !== null && !text.local);

/** A value, or what stands for every value of a space that only the server can compare. */
function looseValue(space: string, parts: Change['checks'][number]['parts'] | null): string {
  return `${space}\0${parts === null || isLoose(parts) ? '*' : parts.map(({ bytes }) => bytes.replaceAll('\0', '\0\0')).join('\0.')}`;
}
