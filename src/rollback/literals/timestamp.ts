import type { SqlBuffer } from '../../core/sql-buffer.ts';
import { writeUnsigned, type Emit } from './digits.ts';
import { newMoment, setSeconds, writeDate, writeFraction, writeTime, type Instant, type ReadInstant } from './temporal.ts';

/**
 * How a TIMESTAMP is written:
 * - `utc`: text, for a session pinned to +00:00;
 * - `offset`: text with its zone, exact under any session zone (MySQL 8.0.19), but not in comparisons of a repeated hour;
 * - `epoch`: FROM_UNIXTIME(n), for MariaDB.
 */
export type TimestampForm = 'utc' | 'offset' | 'epoch';

const OFFSET = Buffer.from("+00:00'");
const FROM_UNIXTIME = Buffer.from('FROM_UNIXTIME(');

export function timestampEmitter(read: ReadInstant, fraction: number, form: TimestampForm): Emit {
  const instant: Instant = { seconds: 0, micros: 0 };
  const moment = newMoment();
  return (out, b, s) => {
    read(b, s, instant);
    moment.micros = instant.micros;
    const zero = instant.seconds === 0 && instant.micros === 0;
    if (form === 'epoch' && !zero) {
      out.raw(FROM_UNIXTIME);
      writeEpoch(out, instant, fraction);
      out.byte(41);
      return;
    }
    if (zero) clearDate(moment);
    else setSeconds(moment, instant.seconds);
    out.byte(39);
    writeDate(out, moment);
    out.byte(32);
    writeTime(out, moment, fraction);
    // The zero timestamp is no instant: it takes no offset.
    if (form === 'offset' && !zero) out.raw(OFFSET);
    else out.byte(39);
  };
}

function clearDate(moment: ReturnType<typeof newMoment>): void {
  moment.year = moment.month = moment.day = moment.hour = moment.minute = moment.second = 0;
}

function writeEpoch(out: SqlBuffer, instant: Instant, fraction: number): void {
  writeUnsigned(out, instant.seconds);
  writeFraction(out, instant.micros, fraction);
}

/** What UNIX_TIMESTAMP(column) gives, for comparisons that no session zone can blur; 0 is the zero timestamp. */
export function epochEmitter(read: ReadInstant, fraction: number): Emit {
  const instant: Instant = { seconds: 0, micros: 0 };
  return (out, b, s) => {
    read(b, s, instant);
    writeEpoch(out, instant, fraction);
  };
}

export function isZeroTimestamp(read: ReadInstant): (b: Buffer, s: number) => boolean {
  const instant: Instant = { seconds: 0, micros: 0 };
  return (b, s) => {
    read(b, s, instant);
    return instant.seconds === 0 && instant.micros === 0;
  };
}

