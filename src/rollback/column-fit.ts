import { ColumnType, type TableMapColumn } from '../binlog/types.ts';
import type { ColumnDefinition } from '../schema/definition.ts';
import { charsetByCollation, charsetByName, type Charset } from './charsets.ts';
import { membersOf } from './members.ts';
import type { ColumnKind } from './shape.ts';

/** What a column of TABLE_MAP is, seen together with its definition; or why the two do not belong together. */
export type ColumnFit =
  | { readonly misfit: string }
  | { readonly kind: ColumnKind; readonly unsigned: boolean; readonly charset: Charset | null; readonly compressed: boolean; readonly fraction: number };

const T = ColumnType;
const INT_TYPES: Readonly<Record<string, number>> = { tinyint: T.TINY, smallint: T.SHORT, mediumint: T.INT24, int: T.LONG, bigint: T.LONGLONG };
const BLOB_LENGTH_BYTES: Readonly<Record<string, number>> = {
  tinytext: 1, text: 2, mediumtext: 3, longtext: 4, tinyblob: 1, blob: 2, mediumblob: 3, longblob: 4,
};
const GEOMETRIES = new Set([
  'geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon', 'geomcollection', 'geometrycollection',
]);
/** MariaDB's fixed-length plug-in types and their length. */
const FIXED: Readonly<Record<string, number>> = { uuid: 16, inet6: 16, inet4: 4 };

/** Compares type, length, sign, character set and members. Nothing is guessed: what TABLE_MAP tells must agree. */
export function fitColumn(map: TableMapColumn, definition: ColumnDefinition): ColumnFit {
  if (map.name !== null && map.name.toLowerCase() !== definition.name.toLowerCase()) return { misfit: `is called ${map.name} in the binlog` };
  // A primary key made of generated or nullable-looking columns may differ in the null bit: only a null without room for it is wrong.
  const fit = fitType(map, definition);
  if ('misfit' in fit) return fit;
  if (map.unsigned !== null && map.unsigned !== fit.unsigned && SIGNED_KINDS.has(fit.kind)) return { misfit: 'differs in its sign' };
  if (map.collation !== null && fit.charset !== null) {
    const charset = charsetByCollation(map.collation);
    if (charset === undefined) return { misfit: `has collation ${map.collation}, which this release does not know` };
    if (charset.name !== fit.charset.name) return { misfit: `is ${charset.name} in the binlog` };
  }
  return fit;
}

const SIGNED_KINDS = new Set<ColumnKind>(['int', 'decimal', 'float', 'double']);

function fitType(map: TableMapColumn, definition: ColumnDefinition): ColumnFit {
  const { dataType, columnType } = definition;
  const unsigned = /\b(unsigned|zerofill)\b/i.test(columnType);
  const numbers = /^[^(]*\(([\d,]+)\)/.exec(columnType)?.[1]?.split(',').map(Number) ?? [];
  const plain = { unsigned, charset: null, compressed: false, fraction: 0 };
  const yes = (kind: ColumnKind, more: { charset?: Charset; compressed?: boolean; fraction?: number } = {}): ColumnFit => ({ kind, ...plain, ...more });
  const no: ColumnFit = { misfit: `is ${columnType} in the definition, but type ${map.type} (metadata ${map.meta}) in the binlog` };

  if (dataType in INT_TYPES) return map.type === INT_TYPES[dataType] ? yes('int') : no;
  if (dataType in FIXED) return map.type === T.STRING && map.meta === FIXED[dataType] ? yes(dataType as ColumnKind) : no;
  if (GEOMETRIES.has(dataType)) return map.type === T.GEOMETRY ? yes('geometry') : no;
  if (dataType in BLOB_LENGTH_BYTES) return fitBlob(map, definition, yes, no);
  switch (dataType) {
    case 'decimal':
      return map.type === T.NEWDECIMAL && map.meta === ((numbers[0] ?? 10) << 8 | (numbers[1] ?? 0)) ? yes('decimal') : no;
    case 'float':
    case 'double':
      return map.type === (dataType === 'float' ? T.FLOAT : T.DOUBLE) ? yes(dataType, { fraction: numbers[1] ?? -1 }) : no;
    case 'bit': {
      const bits = numbers[0] ?? 1;
      return map.type === T.BIT && (map.meta >> 8) * 8 + (map.meta & 0xff) === bits ? yes('bit') : no;
    }
    case 'year':
      return map.type === T.YEAR ? yes('year') : no;
    case 'date':
      return map.type === T.DATE || map.type === T.NEWDATE ? yes('date') : no;
    case 'time':
    case 'datetime':
    case 'timestamp':
      return fitTemporal(map, dataType, numbers[0] ?? 0, yes, no);
    case 'char':
    case 'varchar':
    case 'binary':
    case 'varbinary':
      return fitString(map, definition, numbers[0] ?? 1, yes, no);
    case 'enum':
    case 'set':
      return fitMembers(map, definition, yes, no);
    case 'json':
      return map.type === T.JSON ? yes('json') : no;
    case 'vector':
      return map.type === T.VECTOR || map.type === T.VARCHAR ? yes('vector') : no;
    default:
      return { misfit: `has type ${columnType}, which this release does not know` };
  }
}

type Yes = (kind: ColumnKind, more?: { charset?: Charset; compressed?: boolean; fraction?: number }) => ColumnFit;

function fitTemporal(map: TableMapColumn, dataType: 'time' | 'datetime' | 'timestamp', fraction: number, yes: Yes, no: ColumnFit): ColumnFit {
  const [packed, classic] = { time: [T.TIME2, T.TIME], datetime: [T.DATETIME2, T.DATETIME], timestamp: [T.TIMESTAMP2, T.TIMESTAMP] }[dataType];
  if (map.type === packed) return map.meta === fraction ? yes(dataType, { fraction }) : no;
  return map.type === classic ? yes(`${dataType}-classic`, { fraction }) : no;
}

function fitString(map: TableMapColumn, definition: ColumnDefinition, length: number, yes: Yes, no: ColumnFit): ColumnFit {
  const fixed = definition.dataType === 'char' || definition.dataType === 'binary';
  const compressed = map.type === T.VARCHAR_COMPRESSED;
  if (fixed ? map.type !== T.STRING : map.type !== T.VARCHAR && map.type !== T.VAR_STRING && !compressed) return no;
  if (definition.dataType === 'binary' || definition.dataType === 'varbinary') {
    if (map.collation !== null && charsetByCollation(map.collation)?.name !== 'binary') return no;
    return map.meta === length || compressed ? yes(fixed ? 'binary' : 'varbinary', { compressed }) : no;
  }
  const charset = charsetOf(map, definition);
  if (charset === undefined) return unknownCharset(definition);
  return map.meta === length * charset.maxBytes || compressed ? yes('text', { charset, compressed }) : no;
}

function fitBlob(map: TableMapColumn, definition: ColumnDefinition, yes: Yes, no: ColumnFit): ColumnFit {
  const compressed = map.type === T.BLOB_COMPRESSED;
  if ((map.type !== T.BLOB && !compressed) || map.meta !== BLOB_LENGTH_BYTES[definition.dataType]) return no;
  if (definition.dataType.endsWith('blob')) return yes('varbinary', { compressed });
  const charset = charsetOf(map, definition);
  return charset === undefined ? unknownCharset(definition) : yes('text', { charset, compressed });
}

function charsetOf(map: TableMapColumn, definition: ColumnDefinition): Charset | undefined {
  return definition.characterSet === null && map.collation !== null ? charsetByCollation(map.collation) : charsetByName(definition.characterSet ?? '');
}

function unknownCharset(definition: ColumnDefinition): ColumnFit {
  return { misfit: `has character set ${definition.characterSet ?? 'unknown'}, which this release does not know` };
}

function fitMembers(map: TableMapColumn, definition: ColumnDefinition, yes: Yes, no: ColumnFit): ColumnFit {
  const isEnum = definition.dataType === 'enum';
  if (map.type !== (isEnum ? T.ENUM : T.SET)) return no;
  const count = membersOf(definition).length;
  const bytes = isEnum ? (count < 256 ? 1 : 2) : count > 32 ? 8 : (count + 7) >> 3;
  if (map.meta !== bytes) return no;
  if (map.members !== null && map.members.length !== count) return { misfit: `has ${map.members.length} members in the binlog, ${count} in the definition` };
  return yes(isEnum ? 'enum' : 'set');
}
