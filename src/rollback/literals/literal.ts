import type { ColumnShape } from '../shape.ts';
import { classicDatetimeReader, classicTimeReader, classicTimestampReader } from './classic-temporal.ts';
import { decompressing } from './compressed.ts';
import type { Emit } from './digits.ts';
import { emitInet4, emitInet6, emitUuid } from './fixed-types.ts';
import { emitJson } from './json.ts';
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
  const plain = plainEmitter(column, timestamps);
  const emit = mayBeEmpty(column) ? emptyAsNull(plain) : plain;
  return column.compressed ? decompressing(emit) : emit;
}

/**
 * ADD COLUMN .. NOT NULL leaves rows with a document, vector or geometry of no bytes, which no literal makes. (A nullable column can have
 * such rows from before it was made nullable: documents come back as the JSON null that they read as, others are refused by the server.)
 */
export function mayBeEmpty({ kind, nullable }: ColumnShape): boolean {
  return (kind === 'json' || kind === 'vector' || kind === 'geometry') && !nullable;
}

/** Only NULL, in a mode that is not strict, makes a value of no bytes: as what a NOT NULL column holds without a value. */
function emptyAsNull(emit: Emit): Emit {
  return (out, b, s, e) => {
    if (s === e) out.text('NULL');
    else emit(out, b, s, e);
  };
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
      return emitJson;
    case 'uuid':
      return emitUuid;
    case 'inet4':
      return emitInet4;
    case 'inet6':
      return emitInet6;
  }
}
