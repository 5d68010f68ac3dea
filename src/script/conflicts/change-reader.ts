import { parseRowsEvent } from '../../binlog/rows-event.ts';
import type { RowsEvent } from '../../binlog/types.ts';
import { SqlBuffer } from '../../core/sql-buffer.ts';
import { quoteName } from '../../core/identifiers.ts';
import { KeyReader, NONE, keyParts, showValue, type HashedList, type TableShape } from '../../rollback/index.ts';
import type { TableDefinition } from '../../schema/definition.ts';
import type { LoggedRows } from '../../store/log-reader.ts';
import { ColumnsOfChanges } from './columns.ts';
import type { Rule, TableRules } from './rules.ts';
import type { Change, SpaceValue } from './types.ts';

/** A rule with the place of its list among those that are hashed. */
export interface PlacedRule extends Rule {
  readonly at: number;
}

/** One row while it is being read: hashes first, values only for what turns out to matter. */
export interface ReadRow {
  readonly row: number;
  /** The hash of a rule's values; NONE when the rule does not bear on this change. */
  hash(rule: PlacedRule): number;
  change(place: Omit<Change['place'], 'row'>, seq: number): Change;
}

/** Reads row changes of one shape under the rules of its table. */
export class ChangeReader {
  readonly shape: TableShape;
  readonly checks: readonly PlacedRule[];
  readonly emits: readonly PlacedRule[];
  readonly #keys: KeyReader;
  readonly #columns: ColumnsOfChanges;

  /** @param full the undo of an update writes every column. */
  constructor(shape: TableShape, rules: TableRules, present: TableDefinition, full: boolean) {
    this.shape = shape;
    const lists: HashedList[] = [];
    const placed = (rule: Rule): PlacedRule => {
      const same = lists.findIndex(({ columns, seed, whole }) => seed === rule.list.seed && whole === rule.list.whole && columns.join() === rule.list.columns.join());
      return { ...rule, at: same >= 0 ? same : lists.push(rule.list) - 1 };
    };
    this.checks = rules.checks.map(placed);
    this.emits = rules.emits.map(placed);
    this.#keys = new KeyReader(shape, lists);
    const row = rules.checks.find(({ kind }) => kind === 'row')!.list;
    this.#columns = new ColumnsOfChanges(shape, present, row.whole ? null : row.columns, full);
  }

  /** @returns false when the keys of these rows cannot be read, some rows perhaps aside. */
  read({ record, contents }: LoggedRows, each: (row: ReadRow) => void): boolean {
    const rows = parseRowsEvent(record.type, contents.bytes, record.start, record.end);
    return this.#keys.read(rows, (row, before, after, spans) => {
      const hash = (rule: PlacedRule): number => {
        const own = rule.image === 'before' ? before : after;
        if (own === null) return NONE;
        const other = rule.image === 'before' ? after : before;
        const value = own[rule.at]!;
        // Equal hashes of other bytes: a change that is taken for none once in four billion would be missed, so bytes decide.
        if (rule.ifChanged && other !== null && other[rule.at] === value && !this.#differs(rule, rows, spans)) return NONE;
        return value;
      };
      each({
        row, hash,
        change: (place, seq) => ({
          place: { ...place, row }, seq, schema: this.shape.schema, table: this.shape.table, ...this.#columns.of(rows, spans, this.#keys.afterSpans),
          checks: this.#values(this.checks, hash, rows, spans), emits: this.#values(this.emits, hash, rows, spans),
        }),
      });
    });
  }

  #differs({ list }: PlacedRule, { buffer }: RowsEvent, spans: Int32Array): boolean {
    const { afterSpans } = this.#keys;
    return list.columns.some((column) => {
      const [s, e] = [spans[2 * column]!, spans[2 * column + 1]!];
      const [t, f] = [spans[afterSpans + 2 * column]!, spans[afterSpans + 2 * column + 1]!];
      return (s < 0) !== (t < 0) || (s >= 0 && buffer.compare(buffer, t, f, s, e) !== 0);
    });
  }

  #values(rules: readonly PlacedRule[], hash: (rule: PlacedRule) => number, rows: RowsEvent, spans: Int32Array): SpaceValue[] {
    return rules.filter((rule) => hash(rule) !== NONE).map((rule) => {
      const base = rows.kind === 'update' && rule.image === 'after' ? this.#keys.afterSpans : 0;
      return {
        space: rule.space, kind: rule.kind, parts: keyParts(this.shape, rule.list, rows.buffer, spans, base),
        shown: this.#shown(rule, rows.buffer, spans, base),
      };
    });
  }

  #shown({ list }: PlacedRule, bytes: Buffer, spans: Int32Array, base: number): string {
    return list.columns.slice(0, MOST_SHOWN).map((index) => {
      const out = new SqlBuffer(64);
      showValue(this.shape.columns[index]!, out, bytes, spans[base + 2 * index]!, spans[base + 2 * index + 1]!);
      const text = out.toString();
      return `${quoteName(this.shape.columns[index]!.name)}=${text.length > 80 ? `${text.slice(0, 77)}...` : text}`;
    }).join(', ');
  }
}

/** Columns of a key, or of a row without one, that are told to people. */
const MOST_SHOWN = 8;
