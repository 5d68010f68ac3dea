import { ByteCursor } from '../core/bytes.ts';
import { ColumnType, type TableMap } from './types.ts';

/** The optional part of a TABLE_MAP event, spread over the columns it speaks of (MySQL rows_event.h, Optional_metadata_fields). */
export interface OptionalMetadata {
  /** True when any field of the optional part was there. */
  present: boolean;
  unsigned: boolean[] | null;
  collations: (number | null)[] | null;
  names: string[] | null;
  members: (Buffer[] | undefined)[];
  visible: boolean[] | null;
  primaryKey: TableMap['primaryKey'];
}

const Field = {
  SIGNEDNESS: 1, DEFAULT_CHARSET: 2, COLUMN_CHARSET: 3, COLUMN_NAME: 4, SET_STR_VALUE: 5, ENUM_STR_VALUE: 6, SIMPLE_PRIMARY_KEY: 8,
  PRIMARY_KEY_WITH_PREFIX: 9, ENUM_AND_SET_DEFAULT_CHARSET: 10, ENUM_AND_SET_COLUMN_CHARSET: 11, COLUMN_VISIBILITY: 12,
} as const;

const NUMERIC = new Set<number>([
  ColumnType.TINY, ColumnType.SHORT, ColumnType.INT24, ColumnType.LONG, ColumnType.LONGLONG, ColumnType.NEWDECIMAL, ColumnType.FLOAT, ColumnType.DOUBLE,
  ColumnType.YEAR,
]);
const BINARY_COLLATION = 63;
const CHARACTER = new Set<number>([
  ColumnType.STRING, ColumnType.VAR_STRING, ColumnType.VARCHAR, ColumnType.TINY_BLOB, ColumnType.BLOB, ColumnType.MEDIUM_BLOB, ColumnType.LONG_BLOB,
  ColumnType.VARCHAR_COMPRESSED, ColumnType.BLOB_COMPRESSED, ColumnType.VECTOR,
]);

/** Reads type-length-value fields up to the cursor's end; fields of unknown type are skipped by their length. */
export function readOptionalMetadata(cursor: ByteCursor, types: readonly number[]): OptionalMetadata {
  const found: OptionalMetadata = { present: false, unsigned: null, collations: null, names: null, members: [], visible: null, primaryKey: null };
  const numeric = indexesOf(types, NUMERIC);
  let characterField: { field: number; start: number; end: number } | null = null;
  const labelled = indexesOf(types, new Set([ColumnType.ENUM, ColumnType.SET]));
  while (cursor.left > 0) {
    const field = cursor.u8();
    const length = cursor.lenenc();
    const start = cursor.take(length);
    const value = new ByteCursor(cursor.buffer, start, start + length);
    found.present = true;
    switch (field) {
      case Field.SIGNEDNESS:
        found.unsigned = new Array<boolean>(types.length).fill(false);
        readBits(value, numeric, found.unsigned);
        break;
      case Field.DEFAULT_CHARSET:
      case Field.COLUMN_CHARSET:
        characterField = { field, start, end: start + length };
        break;
      case Field.ENUM_AND_SET_DEFAULT_CHARSET:
        readDefaultCollation(value, labelled, collationsOf(found, types));
        break;
      case Field.ENUM_AND_SET_COLUMN_CHARSET:
        readCollations(value, labelled, collationsOf(found, types));
        break;
      case Field.COLUMN_NAME:
        found.names = types.map(() => value.text(value.lenenc()));
        break;
      case Field.SET_STR_VALUE:
        readMembers(value, indexesOf(types, new Set([ColumnType.SET])), found.members);
        break;
      case Field.ENUM_STR_VALUE:
        readMembers(value, indexesOf(types, new Set([ColumnType.ENUM])), found.members);
        break;
      case Field.SIMPLE_PRIMARY_KEY:
      case Field.PRIMARY_KEY_WITH_PREFIX:
        found.primaryKey = readPrimaryKey(value, field === Field.PRIMARY_KEY_WITH_PREFIX, types.length);
        break;
      case Field.COLUMN_VISIBILITY:
        found.visible = new Array<boolean>(types.length).fill(true);
        readBits(value, types.map((_, index) => index), found.visible);
        break;
      default:
        break;
    }
  }
  if (characterField) {
    const { field, start, end } = characterField;
    const read = (columns: readonly number[]): (number | null)[] | null =>
      readCharacterField(new ByteCursor(cursor.buffer, start, end), field, columns, types.length);
    const collations = chooseCharacterColumns(types, found.visible !== null, read);
    collations?.forEach((collation, column) => {
      if (collation !== null) collationsOf(found, types)[column] = collation;
    });
  }
  return found;
}

type Collations = (number | null)[] | null;

/**
 * MariaDB counts GEOMETRY among the character columns (always with collation 63), MySQL does not, and the event does not
 * say which server wrote it. Only MySQL tells visibility. Where both readings make sense none is taken: the definition decides.
 */
function chooseCharacterColumns(types: readonly number[], isMySql: boolean, read: (columns: readonly number[]) => Collations): Collations {
  const mysql = indexesOf(types, CHARACTER);
  if (isMySql || !types.includes(ColumnType.GEOMETRY)) {
    const collations = read(mysql);
    if (collations === null) throw new RangeError('the collations do not match the character columns');
    return collations;
  }
  const asMySql = read(mysql);
  const withGeometry = read(indexesOf(types, new Set([...CHARACTER, ColumnType.GEOMETRY])));
  const asMariaDb = withGeometry?.every((collation, i) => types[i] !== ColumnType.GEOMETRY || collation === BINARY_COLLATION) ? withGeometry : null;
  if (asMySql === null && asMariaDb === null) throw new RangeError('the collations do not match the character columns');
  return asMySql !== null && asMariaDb !== null ? null : (asMySql ?? asMariaDb);
}

/** Null when the field does not speak of exactly these columns. */
function readCharacterField(value: ByteCursor, field: number, columns: readonly number[], count: number): Collations {
  const collations = new Array<number | null>(count).fill(null);
  try {
    if (field === Field.DEFAULT_CHARSET) readDefaultCollation(value, columns, collations);
    else readCollations(value, columns, collations);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return value.left === 0 ? collations : null;
}

function indexesOf(types: readonly number[], wanted: ReadonlySet<number>): number[] {
  return types.flatMap((type, index) => (wanted.has(type) ? [index] : []));
}

function collationsOf(found: OptionalMetadata, types: readonly number[]): (number | null)[] {
  return (found.collations ??= new Array<number | null>(types.length).fill(null));
}

/** Bits run from the most significant one of each byte. */
function readBits(value: ByteCursor, columns: readonly number[], into: boolean[]): void {
  const bits = value.slice((columns.length + 7) >> 3);
  columns.forEach((column, at) => (into[column] = (bits[at >> 3]! & (0x80 >> (at & 7))) !== 0));
}

/** One default, then pairs (place among these columns, its collation) for those that differ. */
function readDefaultCollation(value: ByteCursor, columns: readonly number[], into: (number | null)[]): void {
  const standard = value.lenenc();
  for (const column of columns) into[column] = standard;
  while (value.left > 0) {
    const place = value.lenenc();
    const column = columns[place];
    if (column === undefined) throw new RangeError(`character column ${place} of ${columns.length}`);
    into[column] = value.lenenc();
  }
}

function readCollations(value: ByteCursor, columns: readonly number[], into: (number | null)[]): void {
  for (const column of columns) into[column] = value.lenenc();
}

function readMembers(value: ByteCursor, columns: readonly number[], into: (Buffer[] | undefined)[]): void {
  for (const column of columns) {
    const count = value.lenenc();
    const members: Buffer[] = [];
    for (let i = 0; i < count; i++) members.push(Buffer.from(value.slice(value.lenenc())));
    into[column] = members;
  }
}

function readPrimaryKey(value: ByteCursor, prefixed: boolean, columns: number): { column: number; prefix: number }[] {
  const parts: { column: number; prefix: number }[] = [];
  while (value.left > 0) {
    const column = value.lenenc();
    if (column >= columns) throw new RangeError(`key column ${column} of ${columns}`);
    parts.push({ column, prefix: prefixed ? value.lenenc() : 0 });
  }
  return parts;
}
