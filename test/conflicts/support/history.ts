/** Random histories over three small tables: p (key, unique text or unique begin of a text), c (refers to p), k (no key). */

export interface Values { readonly [column: string]: number | string | null }
export type TableId = 'p' | 'c' | 'k';

/** One row change as the model made it. */
export interface RowChange {
  readonly table: TableId;
  readonly before: Values | null;
  readonly after: Values | null;
}

export interface Step {
  readonly sql: string;
  /** Number of its transaction in the history. */
  readonly transaction: number;
  readonly changes: readonly RowChange[];
}

export interface History {
  readonly number: number;
  /** Characters of p.u that its unique key has; null: all. */
  readonly part: number | null;
  readonly steps: readonly Step[];
  readonly end: ModelState;
}

/** A generator of numbers that a seed repeats (mulberry32). */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Equal as utf8mb4_general_ci has it, for the letters that are used here, in the first `part` characters. */
export const sameText = (a: string, b: string, part: number | null): boolean => fold(a.slice(0, part ?? a.length)) === fold(b.slice(0, part ?? b.length));
const fold = (text: string): string => text.toLowerCase().replaceAll('ä', 'a').trimEnd();

/** The rows of one history. Refuses what the server would refuse. */
export class ModelState {
  readonly p: Values[];
  readonly c: Values[];
  readonly k: Values[];
  readonly part: number | null;

  constructor(part: number | null, from: { readonly p: readonly Values[]; readonly c: readonly Values[]; readonly k: readonly Values[] } = { p: [], c: [], k: [] }) {
    this.part = part;
    this.p = [...from.p];
    this.c = [...from.c];
    this.k = [...from.k];
  }

  /** @returns false, with nothing changed, when a key or foreign key forbids it. */
  insert(table: TableId, row: Values): boolean {
    if (table === 'p' && this.p.some((other) => other.id === row.id || this.#clash(other.u, row.u))) return false;
    if (table === 'c' && (this.c.some((other) => other.id === row.id) || !this.#hasParent(row))) return false;
    this[table].push(row);
    return true;
  }

  delete(table: TableId, row: Values): boolean {
    if (table === 'p' && this.c.some((child) => child.pid === row.id)) return false;
    this[table].splice(this[table].indexOf(row), 1);
    return true;
  }

  update(table: TableId, row: Values, after: Values): boolean {
    const others = this[table].filter((other) => other !== row);
    if (table === 'p' && others.some((other) => other.id === after.id || this.#clash(other.u, after.u))) return false;
    if (table === 'p' && row.id !== after.id && this.c.some((child) => child.pid === row.id)) return false;
    if (table === 'c' && (others.some((other) => other.id === after.id) || !this.#hasParent(after))) return false;
    this[table][this[table].indexOf(row)] = after;
    return true;
  }

  /** Undoes one row change as a guarded statement does. @returns false when the row is not as the change left it, or a key forbids it. */
  undo({ table, before, after }: RowChange): boolean {
    if (after === null) return this.insert(table, before!);
    const row = this[table].find((one) => (table === 'k' ? same(one, after) : one.id === after.id));
    if (!row) return false;
    if (before === null) return same(row, after) && this.delete(table, row);
    const changed = Object.keys(after).filter((column) => before[column] !== after[column]);
    if (changed.some((column) => row[column] !== after[column])) return false;
    return this.update(table, row, { ...row, ...Object.fromEntries(changed.map((column) => [column, before[column]!])) });
  }

  #clash(a: Values[string] | undefined, b: Values[string] | undefined): boolean {
    return typeof a === 'string' && typeof b === 'string' && sameText(a, b, this.part);
  }

  #hasParent(child: Values): boolean {
    return child.pid === null || this.p.some((parent) => parent.id === child.pid);
  }
}

export const same = (a: Values, b: Values): boolean => Object.keys(a).every((column) => a[column] === b[column]);

const literal = (value: Values[string] | undefined): string => (typeof value === 'string' ? `'${value}'` : String(value ?? 'NULL'));
const insertSql = (table: TableId, row: Values): string => `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).map(literal).join(', ')})`;
const whereSql = (table: TableId, row: Values): string => (table === 'k' ? `${Object.entries(row).map(([name, value]) => `${name} <=> ${literal(value)}`).join(' AND ')} LIMIT 1` : `id = ${literal(row.id)}`);

const LETTERS = ['a', 'A', 'ä', 'b', 'B', 'c'];
/** What may follow the part that a key has. */
const ENDS = ['', '!', '?'];
/** Digits of a history's number in its texts, which a key over a part of them has to have whole. */
const DIGITS = 5;
/** Characters that tell histories and their letters apart. */
export const PART = DIGITS + 2;

/** Rows of history `number` never meet those of another one. @param part null, or PART. */
export function makeHistory(number: number, pick: (below: number) => number, part: number | null): History {
  const state = new ModelState(part);
  const text = (): string => `${String(number).padStart(DIGITS, '0')}-${LETTERS[pick(LETTERS.length)]!}${part === null ? '' : ENDS[pick(ENDS.length)]!}`;
  const steps: Step[] = [];
  const base = number * 10;
  let transaction = 0;
  const take = (sql: string, changes: readonly RowChange[]): void => {
    steps.push({ sql, transaction, changes });
    if (pick(2) === 0) transaction++;
  };
  const newRow = (table: TableId): Values => (table === 'p'
    ? { id: base + pick(5), u: pick(4) === 0 ? null : text(), v: pick(3) }
    : table === 'c' ? { id: base + pick(5), pid: pick(4) === 0 ? null : base + pick(5) } : { h: number, n: pick(3), v: pick(2) });
  const length = 6 + pick(10);
  for (let tries = 0; steps.length < length && tries < 200; tries++) {
    const table = (['p', 'p', 'c', 'c', 'k'] as const)[pick(5)]!;
    const rows = state[table];
    const row = rows[pick(Math.max(rows.length, 1))];
    const kind = pick(7);
    if (kind < 3 || !row) {
      const made = newRow(table);
      if (state.insert(table, made)) take(insertSql(table, made), [{ table, before: null, after: made }]);
    } else if (kind < 4) {
      if (state.delete(table, row)) take(`DELETE FROM ${table} WHERE ${whereSql(table, row)}`, [{ table, before: row, after: null }]);
    } else if (kind < 6 || table !== 'p') {
      const made = newRow(table);
      const column = Object.keys(made).filter((name) => name !== 'h')[pick(table === 'p' ? 3 : 2)]!;
      const after = { ...row, [column]: made[column]! };
      if (same(row, after) || !state.update(table, row, after)) continue;
      take(`UPDATE ${table} SET ${column} = ${literal(after[column])} WHERE ${whereSql(table, row)}`, [{ table, before: row, after }]);
    } else {
      const all = [...state.p].sort((a, b) => Number(a.id) - Number(b.id));
      const changes = all.map((before): RowChange => ({ table, before, after: { ...before, v: Number(before.v) + 1 } }));
      for (const { before, after } of changes) state.update('p', before!, after!);
      take(`UPDATE p SET v = v + 1 WHERE id BETWEEN ${base} AND ${base + 9}`, changes);
    }
  }
  return { number, part, steps, end: state };
}

/** The text that runs a history in one session. */
export function historySql({ steps }: History): string {
  return steps.map(({ sql, transaction }, i) => {
    const begins = steps[i - 1]?.transaction !== transaction;
    const ends = steps[i + 1]?.transaction !== transaction;
    return `${begins ? 'START TRANSACTION; ' : ''}${sql};${ends ? ' COMMIT;' : ''}`;
  }).join('\n');
}
