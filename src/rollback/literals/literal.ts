import type { ColumnShape } from '../shape.ts';
import { classicDatetimeReader, classicTimeReader, classicTimestampReader } from './classic-temporal.ts';
import { decompressing } from './compressed.ts';
import type { Emit } from './digits.ts';
import { emitInet4, emitInet6, emitUuid } from './fixed-types.ts';
import { jsonValueEmitter } from './json.ts';
import { enumLabelEmitter, setLabelEmitter } from './labels.ts';
import { bitEmitter, decimalEmitter, emitDouble, emitFloat, emitIndex, emitYear, intEmitter } from './numbers.ts';
import { datetimeReader, momentEmitter, readDate, timeReader, timestampReader, type ReadInstant, type ReadMoment } from './temporal.ts';
import { emitBinary, fixedBinaryEmitter, textEmitter } from './text.ts';
import { timestampEmitter, type TimestampForm } from './timestamp.ts';
import { columnLength } from '../locate.ts';

/** How the date part of a column is read; null for columns that hold none. */
export function momentReader(column: ColumnShape): ReadMoment | null {
  if (column.kind === 'date') return readDate;
  if (column.kind === 'datetime') return datetimeReader(column.fraction);
  return column.kind === 'datetime-classic' ? classicDatetimeReader(column.fraction) : null;
}

/** How a TIMESTAMP column is read; null for other columns. */
export function instantReader(column: ColumnShape): ReadInstant | null {
  if (column.kind === 'timestamp') return timestampReader(column.fraction);
  return column.kind === 'timestamp-classic' ? classicTimestampReader(column.fraction) : null;
}

/** The literal that restores the column's bytes, for INSERT's VALUES and UPDATE's SET. */
export function valueEmitter(column: ColumnShape, timestamps: TimestampForm): Emit {
  const emit = plainEmitter(column, timestamps);
  return column.compressed ? decompressing(emit) : emit;
}

function plainEmitter(column: ColumnShape, timestamps: TimestampForm): Emit {
  const { kind, meta, fraction } = column;
  switch (kind) {
    case 'int': {
      const length = columnLength(column);
      return intEmitter('fixed' in length ? length.fixed : 0, column.unsigned);
    }
    case 'decimal':
      return decimalEmitter(meta >> 8, meta & 0xff);
    case 'float':
      return emitFloat;
    case 'double':
      return emitDouble;
    case 'bit':
      return bitEmitter((meta >> 8) * 8 + (meta & 0xff));
    case 'year':
      return emitYear;
    case 'date':
      return momentEmitter(readDate, 'date', 0);
    case 'time':
      return momentEmitter(timeReader(fraction), 'time', fraction);
    case 'time-classic':
      return momentEmitter(classicTimeReader(fraction), 'time', fraction);
    case 'datetime':
    case 'datetime-classic':
      return momentEmitter(momentReader(column)!, 'both', fraction);
    case 'timestamp':
    case 'timestamp-classic':
      return timestampEmitter(instantReader(column)!, fraction, timestamps);
    case 'text':
      return textEmitter(column.charset!);
    case 'binary':
      return fixedBinaryEmitter(meta);
    case 'varbinary':
    case 'geometry':
    case 'vector':
      return emitBinary;
    case 'enum':
      return column.relabelling ? enumLabelEmitter(column.relabelling, 'text') : emitIndex;
    case 'set':
      return column.relabelling ? setLabelEmitter(column.relabelling) : emitIndex;
    case 'json':
      return jsonValueEmitter(column.nullable);
    case 'uuid':
      return emitUuid;
    case 'inet4':
      return emitInet4;
    case 'inet6':
      return emitInet6;
  }
}
