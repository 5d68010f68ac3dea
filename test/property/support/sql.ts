import { quoteName } from '../../../src/core/identifiers.ts';
import { XA_BEGINS, XA_OVER } from '../../support/xa.ts';
import type { CaseSpec, ColumnSpec, KeySpec, StepSpec, TableSpec, TransactionSpec } from './case.ts';

/** The SQL of a case whose tables are named after `prefix`. */
export class CaseSql {
  readonly spec: CaseSpec;
  readonly tables: readonly string[];
  readonly #xid: string;
  #serial = 0;

  constructor(spec: CaseSpec, prefix: string) {
    this.spec = spec;
    this.tables = spec.tables.map(({ suffix }, index) => `${prefix}_${index}${suffix}`.slice(0, 64).trimEnd());
    this.#xid = prefix;
  }

  /** CREATE TABLE statements; a server may refuse what `plain` leaves out: keys, partitions, generated columns. */
  create(index: number, plain: 'as-is' | 'without-extras' | 'bare'): string {
    const table = this.spec.tables[index]!;
    const parts = table.columns.map((column, place) => columnSql(column, place, plain));
    if (table.touched) parts.push('touched TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)');
    // LENGTH neither looks at the session nor is refused for any value.
    if (table.generated !== '' && plain === 'as-is') {
      parts.push(`made VARCHAR(40) GENERATED ALWAYS AS (CONCAT('<', LENGTH(${name(table, 0)}), '>')) ${table.generated}`);
      if (table.generatedKey === 'expression') parts.push(`KEY \`k made\` ((LENGTH(${name(table, 0)})))`);
      else if (table.generatedKey !== '') {
        // Alone it would refuse most rows.
        const others = table.keys[0] ? keyParts(table, table.keys[0]) : [];
        parts.push(`${others.length > 0 ? table.generatedKey : 'KEY'} \`k made\` (${['made', ...others].join(', ')})`);
      }
    }
    if (table.autoIncrement) parts.push(`number INT AUTO_INCREMENT, ${table.keys.some(({ kind }) => kind === 'PRIMARY KEY') ? 'KEY (number)' : 'PRIMARY KEY (number)'}`);
    if (plain !== 'bare') parts.push(...keysSql(table));
    const option = plain === 'as-is' ? table.option : table.option.startsWith('PARTITION') ? '' : table.option;
    return `CREATE TABLE ${quoteName(this.tables[index]!)} (${parts.join(', ')}) ${option}`;
  }

  /** The statements of one transaction, each to be sent alone: some may fail. */
  transaction(transaction: TransactionSpec): string[] {
    const xid = `'${this.#xid}_${this.#serial++}'`;
    const body = transaction.steps.flatMap((step) => this.#step(step, transaction));
    switch (transaction.ending) {
      case 'autocommit': return body;
      case 'commit': return ['START TRANSACTION', ...body, 'COMMIT'];
      case 'rollback': return ['START TRANSACTION', ...body, 'ROLLBACK'];
      case 'xa': return [XA_BEGINS, `XA START ${xid}`, ...body, `XA END ${xid}`, `XA PREPARE ${xid}`, `XA COMMIT ${xid}`, XA_OVER];
      case 'xa-one-phase': return [`XA START ${xid}`, ...body, `XA END ${xid}`, `XA COMMIT ${xid} ONE PHASE`];
      case 'xa-rollback': return [`XA START ${xid}`, ...body, `XA END ${xid}`, `XA PREPARE ${xid}`, `XA ROLLBACK ${xid}`];
    }
  }

  #step(step: StepSpec, { ending }: TransactionSpec): string[] {
    const at = step.table % this.tables.length;
    const other = (at + 1) % this.tables.length;
    const table = this.spec.tables[at]!;
    const quoted = quoteName(this.tables[at]!);
    const ignore = step.ignore ? 'IGNORE ' : '';
    const set = assignments(table, step, '');
    switch (step.kind) {
      case 'insert': case 'replace':
        return [`${step.kind === 'insert' ? `INSERT ${ignore}` : 'REPLACE '}INTO ${quoted} ${valuesSql(table, step)}`];
      case 'upsert': return [`INSERT INTO ${quoted} ${valuesSql(table, step)} ON DUPLICATE KEY UPDATE ${set}`];
      case 'update': return [`UPDATE ${ignore}${quoted} SET ${set} ${whereSql(table, step)} LIMIT ${step.limit}`];
      case 'json-set': {
        const place = table.columns.findIndex(({ type }) => type === 'JSON');
        return place < 0 ? [] : [`UPDATE ${ignore}${quoted} SET ${name(table, place)}=JSON_SET(${name(table, place)}, '$.a', ${step.limit}, '$[0]', 'x') LIMIT ${step.limit}`];
      }
      case 'copy-column': {
        const [to, from] = [step.columns[0]!, step.columns.at(-1)!];
        // A plain copy into declared decimals keeps digits that no literal puts back: those rows are refused.
        const source = /^(?:FLOAT|DOUBLE)\(/.test(table.columns[to % table.columns.length]!.type) ? `${name(table, from)}*1` : name(table, from);
        return [`UPDATE ${ignore}${quoted} SET ${name(table, to)}=${source} LIMIT ${step.limit}`];
      }
      case 'shift': {
        const target = table.autoIncrement ? 'number' : name(table, step.columns[0]!);
        return [`UPDATE ${ignore}${quoted} SET ${target}=${target}${step.where === 'null' ? '-' : '+'}1 ORDER BY ${target}${step.where === 'null' ? '' : ' DESC'}`];
      }
      case 'delete': return [`DELETE FROM ${quoted} ${whereSql(table, step)} LIMIT ${step.limit}`];
      case 'insert-select': {
        const list = table.columns.map((_, place) => name(table, place)).join(', ');
        return [`INSERT IGNORE INTO ${quoted} (${list}) SELECT ${list} FROM ${quoted} LIMIT ${step.limit}`];
      }
      case 'update-join':
        return other === at ? [] : [`UPDATE ${ignore}${quoted} a JOIN ${quoteName(this.tables[other]!)} b SET ${assignments(table, step, 'a.')}, ${assignments(this.spec.tables[other]!, step, 'b.')}`];
      case 'delete-join':
        return other === at ? [] : [`DELETE a, b FROM ${quoted} a JOIN ${quoteName(this.tables[other]!)} b ON a.${name(table, step.columns[0]!)} IS NOT NULL`];
      case 'savepoint': return ending === 'commit' || ending === 'rollback' ? ['SAVEPOINT `s p`'] : [];
      case 'rollback-to': return ending === 'commit' || ending === 'rollback' ? ['ROLLBACK TO `s p`'] : [];
    }
  }
}

function name(table: TableSpec, place: number): string {
  const at = place % table.columns.length;
  return quoteName(columnName(table.columns[at]!, at));
}

const columnName = (column: ColumnSpec, place: number): string => `c${place}${column.name}`;

function columnSql(column: ColumnSpec, place: number, plain: 'as-is' | 'without-extras' | 'bare'): string {
  const nullable = column.type.includes('NULL') ? '' : column.notNull ? ' NOT NULL' : '';
  // At least one column must be visible.
  const invisible = column.invisible && place > 0 && plain === 'as-is' ? ` INVISIBLE${nullable === '' ? '' : ' DEFAULT 0'}` : '';
  return `${quoteName(columnName(column, place))} ${column.type}${nullable}${invisible}`;
}

const NEVER_INDEXED = /^JSON|^GEOMETRY|^POINT|^VECTOR|COMPRESSED/;

function keysSql(table: TableSpec): string[] {
  const seen = new Set<string>();
  return table.keys.flatMap((key, index) => {
    const parts = keyParts(table, key);
    const kind = key.kind === 'PRIMARY KEY' && seen.has(key.kind) ? 'UNIQUE KEY' : key.kind;
    seen.add(kind);
    return parts.length === 0 ? [] : [`${kind}${kind === 'PRIMARY KEY' ? '' : ` ${quoteName(`k ${index}`)}`} (${parts.join(', ')})`];
  });
}

function keyParts(table: TableSpec, key: KeySpec): string[] {
  const places = [...new Set(key.columns.map((place) => place % table.columns.length))].filter((place) => !NEVER_INDEXED.test(table.columns[place]!.type));
  return places.map((place) => {
    const { type } = table.columns[place]!;
    const length = Number(/^(?:VAR)?(?:CHAR|BINARY)\((\d+)\)/.exec(type)?.[1] ?? 0);
    const prefix = /TEXT|BLOB/.test(type) || length > 60 ? `(${key.prefix})` : length > key.prefix && key.prefix < 4 ? `(${key.prefix})` : '';
    return `${name(table, place)}${prefix}`;
  });
}

function literal(column: ColumnSpec, picked: number | undefined): string {
  if (picked === undefined || picked === 0) return column.notNull ? column.pool[0]! : 'NULL';
  return column.pool[picked % column.pool.length]!;
}

function valuesSql(table: TableSpec, step: StepSpec): string {
  const numbered = table.autoIncrement && step.limit === 1;
  const names = table.columns.map((_, place) => name(table, place));
  const rows = step.rows.map((picks, row) => {
    const values = table.columns.map((column, place) => literal(column, picks[(place + row) % picks.length]));
    return `(${[...values, ...(numbered ? [String(row * 7)] : [])].join(', ')})`;
  });
  return `(${[...names, ...(numbered ? ['number'] : [])].join(', ')}) VALUES ${rows.join(', ')}`;
}

function assignments(table: TableSpec, step: StepSpec, alias: string): string {
  const places = [...new Set(step.columns.map((place) => place % table.columns.length))];
  return places.map((place, index) => `${alias}${name(table, place)}=${literal(table.columns[place]!, step.rows[0]![index % step.rows[0]!.length])}`).join(', ');
}

function whereSql(table: TableSpec, step: StepSpec): string {
  const place = step.columns[0]! % table.columns.length;
  const column = name(table, place);
  if (step.where === 'all') return '';
  return step.where === 'null' ? `WHERE ${column} IS NULL` : `WHERE ${column}=${literal(table.columns[place]!, 1 + step.limit)}`;
}
