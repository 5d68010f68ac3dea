import { quoteName } from '../../../src/core/identifiers.ts';
import type { Row } from '../../support/scene.ts';
import type { Dice } from './dice.ts';

/** A column as information_schema shows it now. */
export interface LiveColumn {
  readonly name: string;
  readonly dataType: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly generated: boolean;
  readonly charset: string | null;
}

export interface LiveTable {
  readonly name: string;
  readonly columns: readonly LiveColumn[];
  /** Names of indexes but the primary key. */
  readonly keys: readonly string[];
}

export function toColumn({ name, data_type: dataType, type, nullable, generated, charset }: Row): LiveColumn {
  return { name: String(name), dataType: String(dataType).toLowerCase(), type: String(type), nullable: nullable === 'YES', generated: Number(generated) === 1, charset: charset === null || charset === undefined ? null : String(charset) };
}

const TYPES = [
  'INT', 'INT UNSIGNED', 'BIGINT', 'SMALLINT', 'DECIMAL(6,2)', 'DOUBLE', 'VARCHAR(10)', 'VARCHAR(12) CHARACTER SET latin1', 'CHAR(6)', 'TEXT', 'VARBINARY(9)', 'BLOB', 'DATE', 'DATETIME', 'DATETIME(3)',
  'TIMESTAMP NULL', 'TIME', "ENUM('a','b')", "SET('x','y')", 'BIT(5)', 'JSON',
] as const;

/** Into what a type may grow, by what it is called now. */
const WIDER: readonly (readonly [RegExp, string])[] = [
  [/^smallint(\(\d+\))?$/, 'INT'], [/^int(\(\d+\))?$/, 'BIGINT'], [/^int(\(\d+\))? unsigned$/, 'BIGINT UNSIGNED'], [/^decimal\(6,2\)$/, 'DECIMAL(12,4)'], [/^varchar\(1[02]\)$/, 'VARCHAR(60)'],
  [/^char\(6\)$/, 'VARCHAR(30)'], [/^varchar\(60\)$/, 'TEXT'], [/^varbinary/, 'BLOB'], [/^date$/, 'DATETIME'], [/^datetime$/, 'DATETIME(3)'], [/^enum\('a','b'\)$/, "ENUM('b','c','a')"],
  [/^set\('x','y'\)$/, "SET('x','y','z')"], [/^bit\(5\)$/, 'BIT(20)'],
];
const NARROWER: readonly (readonly [RegExp, string])[] = [
  [/^bigint/, 'SMALLINT'], [/^decimal/, 'DECIMAL(3,0)'], [/^varchar|^text/, 'VARCHAR(3)'], [/^datetime/, 'DATE'], [/^double/, 'INT'], [/^varbinary|^blob/, 'VARBINARY(2)'],
];

export const columnType = (dice: Dice): string => dice.pick(TYPES);

export function value(dice: Dice, { dataType, nullable, type }: LiveColumn): string {
  if (nullable && dice.once(5)) return 'NULL';
  if (/int$/.test(dataType)) return String(dice.below(2000) - (type.includes('unsigned') ? 0 : 1000));
  switch (dataType) {
    case 'decimal': return `${dice.below(900)}.${dice.below(90) + 10}`;
    case 'double': return `${dice.below(1000)}.5e0`;
    case 'date': return `'20${dice.below(90) + 10}-0${dice.below(9) + 1}-1${dice.below(9)}'`;
    case 'datetime': case 'timestamp': return `'20${dice.below(20) + 10}-0${dice.below(9) + 1}-1${dice.below(9)} 1${dice.below(9)}:00:0${dice.below(9)}.${dice.below(900) + 100}'`;
    case 'time': return `'${dice.below(800)}:1${dice.below(9)}:00'`;
    case 'enum': case 'set': return String(dice.below(2) + 1);
    case 'bit': return String(dice.below(30));
    case 'json': return `'{"k":[${dice.below(100)},"${dice.below(9)}",null]}'`;
    case 'varbinary': case 'blob': return `X'${(dice.below(200) + 50).toString(16)}00FF'`;
    default: return dice.pick(["''", "'a'", "'it''s'", "'b c '", `'${dice.below(9999)}'`, "_utf8mb4 X'C3A9'", "'long'"]);
  }
}

const written = ({ columns }: LiveTable): readonly LiveColumn[] => columns.filter(({ generated }) => !generated);

export function change(dice: Dice, table: LiveTable): string {
  const columns = written(table);
  const name = quoteName(table.name);
  const where = (): string => {
    const column = dice.pick(columns);
    return dice.once(4) ? '' : dice.once(3) ? ` WHERE ${quoteName(column.name)} IS NOT NULL` : ` WHERE ${quoteName(columns[0]!.name)} % 3 = ${dice.below(3)}`;
  };
  switch (dice.below(5)) {
    case 0: case 1: {
      const rows = Array.from({ length: 1 + dice.below(4) }, () => `(${columns.map((column) => value(dice, column)).join(', ')})`);
      return `INSERT INTO ${name} (${columns.map((column) => quoteName(column.name)).join(', ')}) VALUES ${rows.join(', ')}`;
    }
    case 2: return `DELETE FROM ${name}${where()} LIMIT ${1 + dice.below(3)}`;
    default: {
      const [one, other] = [dice.pick(columns), dice.pick(columns)];
      const set = new Map([[one.name, value(dice, one)], [other.name, value(dice, other)]]);
      return `UPDATE ${name} SET ${[...set].map(([column, to]) => `${quoteName(column)} = ${to}`).join(', ')}${where()} LIMIT ${1 + dice.below(4)}`;
    }
  }
}

/** One to three clauses for ALTER TABLE. @param fresh gives names that nothing has. @param lossy takes data away as well. */
export function alteration(dice: Dice, table: LiveTable, fresh: (prefix: string) => string, lossy: boolean): string {
  const clauses = Array.from({ length: 1 + dice.below(3) }, () => clause(dice, table, fresh, lossy));
  const moved = dice.once(9) && !lossy ? [`RENAME TO ${fresh('t')}`] : [];
  return `ALTER TABLE ${quoteName(table.name)} ${[...clauses, ...moved].join(', ')}`;
}

function clause(dice: Dice, table: LiveTable, fresh: (prefix: string) => string, lossy: boolean): string {
  const column = dice.pick(written(table));
  const name = quoteName(column.name);
  const place = dice.pick(['', '', ' FIRST', ` AFTER ${quoteName(dice.pick(table.columns).name)}`]);
  const grown = (list: typeof WIDER): string | null => {
    const to = list.find(([from]) => from.test(column.type))?.[1];
    return to === undefined ? null : `${to}${column.charset === 'latin1' ? ' CHARACTER SET latin1' : ''}${column.nullable ? '' : ' NOT NULL'}`;
  };
  const kind = dice.below(lossy ? 15 : 12);
  switch (kind) {
    case 0: return `ADD COLUMN ${fresh('c')} ${columnType(dice)}${place}`;
    case 1: return `ADD COLUMN ${fresh('c')} INT NOT NULL DEFAULT ${dice.below(9)}${place}`;
    case 2: return `ADD COLUMN ${fresh('c')} VARCHAR(20) NOT NULL${place}`;
    case 3: return `ADD COLUMN ${fresh('g')} INT AS (LENGTH(${name})) ${dice.pick(['VIRTUAL', 'STORED'])}${place}`;
    case 4: return `ADD ${dice.pick(['KEY', 'KEY', 'UNIQUE KEY'])} ${fresh('k')} (${name}${/text|blob/.test(column.dataType) ? '(4)' : ''}, ${quoteName(table.columns[0]!.name)})`;
    case 5: return table.keys.length === 0 ? `COMMENT 'c${dice.below(99)}'` : `DROP KEY ${quoteName(dice.pick(table.keys))}`;
    case 6: return `RENAME COLUMN ${name} TO ${fresh('r')}`;
    case 7: { const to = grown(WIDER); return to === null ? `COMMENT 'it''s ${dice.below(99)}'` : `CHANGE ${name} ${fresh('r')} ${to}${place}`; }
    case 8: case 9: { const to = grown(WIDER); return to === null ? `ADD KEY ${fresh('k')} (${quoteName(table.columns[0]!.name)})` : `MODIFY ${name} ${to}${place}`; }
    case 10: { const made = table.columns.filter(({ generated }) => generated); return made.length === 0 ? "ALTER COLUMN " + name + ' DROP DEFAULT' : `DROP COLUMN ${quoteName(dice.pick(made).name)}`; }
    case 11: return dice.pick(['ENGINE=InnoDB', 'ROW_FORMAT=DYNAMIC', 'DEFAULT CHARSET=latin1', 'DEFAULT CHARSET=utf8mb4', `ADD CONSTRAINT ${fresh('x')} CHECK (${name} IS NOT NULL OR 1 = 1)`]);
    case 12: return `DROP COLUMN ${name}`;
    case 13: return `DROP COLUMN ${name}, ADD COLUMN ${name} INT${place}`;
    default: { const to = grown(NARROWER); return to === null ? `DROP COLUMN ${name}` : `MODIFY ${name} ${to}`; }
  }
}
