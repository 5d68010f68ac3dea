import { u32 } from '../../core/bytes.ts';
import { UndoError } from '../../core/errors.ts';
import { SqlBuffer } from '../../core/sql-buffer.ts';
import { ColumnType } from '../../binlog/types.ts';
import { writeHex, writeUnsigned64 } from './digits.ts';
import { corruptJson } from './jsonb.ts';
import { decimalEmitter } from './numbers.ts';
import { decimalBytes } from '../../binlog/value-length.ts';
import { newMoment, writeDate, writeTime, type Moment } from './temporal.ts';

const T = ColumnType;
const MAX_PRECISION = 65;

/** Values that JSON text has no form for, each from an expression of the very type that MySQL keeps in the document. */
export function writeOpaque(out: SqlBuffer, type: number, data: Buffer): void {
  switch (type) {
    case T.NEWDECIMAL:
      writeDecimal(out, data);
      return;
    case T.DATE:
    case T.TIME:
    case T.DATETIME:
    case T.TIMESTAMP:
      writeTemporal(out, type, data);
      return;
    case T.BIT:
      writeBit(out, data);
      return;
    case T.VARCHAR:
    case T.VAR_STRING:
      writeHex(out, data, 0, data.length);
      return;
    case T.STRING:
      writeThroughTable(out, data, `BINARY(${data.length})`);
      return;
    case T.TINY_BLOB:
      // As it is, the subquery's value would be a BLOB.
      out.text('JSON_EXTRACT((SELECT JSON_ARRAY(x) FROM JSON_TABLE(JSON_ARRAY(');
      writeHex(out, data, 0, data.length);
      out.text("),'$[*]' COLUMNS(x TINYBLOB PATH '$')) t),'$[0]')");
      return;
    case T.BLOB:
      writeThroughTable(out, data, 'BLOB');
      return;
    case T.MEDIUM_BLOB:
      writeWithLength(out, data, 0x1_0000);
      return;
    case T.LONG_BLOB:
      writeWithLength(out, data, 0x100_0000);
      return;
    default:
      throw new UndoError('NOT_UNDOABLE', `A JSON document holds a value of type ${type}, for which this release knows no literal.`);
  }
}

function writeDecimal(out: SqlBuffer, data: Buffer): void {
  const precision = data[0] ?? 0;
  const scale = data[1] ?? 0;
  if (scale > precision || data.length !== 2 + decimalBytes(precision, scale)) throw corruptJson('a DECIMAL has another length');
  const digits = new SqlBuffer(96);
  decimalEmitter(precision, scale)(digits, data, 2, data.length);
  writeDecimalDigits(out, digits.toString(), precision - scale, scale);
}

/**
 * The document keeps how many whole digits there was room for: a literal has just those that it needs, a calculated value
 * a multiple of nine, a column's value what the column has.
 */
function writeDecimalDigits(out: SqlBuffer, text: string, room: number, scale: number): void {
  const significant = /^-?(?:0(?=\.|$))?(\d*)/.exec(text)![1]!.length;
  if (scale === 0 && room === significant) out.text(`${text}.`);
  else if (scale > 0 && (room === significant || (room === 1 && significant === 0))) out.text(room === 0 ? text.replace('0.', '.') : text);
  else if (room % 9 === 0) out.text(`CAST(${text} AS DECIMAL(${Math.min(room + scale, MAX_PRECISION)},${scale}))`);
  else out.text(`(SELECT x FROM JSON_TABLE('["${text}"]','$[*]' COLUMNS(x DECIMAL(${room + scale},${scale}) PATH '$')) t)`);
}

/** Only a column has these types; JSON_TABLE makes one. */
function writeThroughTable(out: SqlBuffer, data: Buffer, type: string): void {
  out.text('(SELECT x FROM JSON_TABLE(JSON_ARRAY(');
  writeHex(out, data, 0, data.length);
  out.text(`),'$[*]' COLUMNS(x ${type} PATH '$')) t)`);
}

/** An expression's blob type follows from the greatest length it could have; the other branch is never evaluated. */
function writeWithLength(out: SqlBuffer, data: Buffer, length: number): void {
  out.text('IF(1,');
  writeHex(out, data, 0, data.length);
  out.text(`,REPEAT(X'00',${length}))`);
}

function writeBit(out: SqlBuffer, data: Buffer): void {
  if (data.length < 1 || data.length > 8) throw corruptJson('a BIT has more than 64 bits');
  const padded = Buffer.alloc(8);
  data.copy(padded, 8 - data.length);
  out.text("(SELECT x FROM JSON_TABLE('[");
  writeUnsigned64(out, padded.readUInt32BE(0), padded.readUInt32BE(4));
  out.text(`]','$[*]' COLUMNS(x BIT(${data.length * 8}) PATH '$')) t)`);
}

/** Packed 64 bits (MySQL my_time.cc, TIME_to_longlong_packed): 40 bits of date and time, 24 bits of microseconds. */
function writeTemporal(out: SqlBuffer, type: number, data: Buffer): void {
  if (data.length !== 8) throw corruptJson('a date or time is not 8 bytes long');
  const moment = unpack(data, type === T.TIME);
  if (type === T.TIMESTAMP) {
    out.text("(SELECT x FROM JSON_TABLE('[\"");
    writeDate(out, moment);
    out.byte(32);
    writeTime(out, moment, 6);
    out.text("\"]','$[*]' COLUMNS(x TIMESTAMP(6) PATH '$')) t)");
    return;
  }
  out.text("CAST('");
  if (type !== T.TIME) writeDate(out, moment);
  if (type === T.DATETIME) out.byte(32);
  if (type !== T.DATE) writeTime(out, moment, 6);
  out.text(type === T.DATE ? "' AS DATE)" : type === T.TIME ? "' AS TIME(6))" : "' AS DATETIME(6))");
}

function unpack(data: Buffer, isTime: boolean): Moment {
  const moment = newMoment();
  let low = u32(data, 0);
  let high = u32(data, 4);
  moment.negative = high >= 0x8000_0000;
  if (moment.negative) {
    low = (~low + 1) >>> 0;
    high = (~high + (low === 0 ? 1 : 0)) >>> 0;
  }
  moment.micros = low & 0xff_ffff;
  const whole = high * 0x100 + (low >>> 24);
  const date = isTime ? 0 : Math.floor(whole / 0x2_0000);
  const time = whole - date * 0x2_0000;
  moment.day = date & 31;
  moment.year = Math.floor((date >> 5) / 13);
  moment.month = (date >> 5) % 13;
  moment.hour = time >> 12;
  moment.minute = (time >> 6) & 63;
  moment.second = time & 63;
  return moment;
}

