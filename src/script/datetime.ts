import { UndoError } from '../core/errors.ts';

const FORM = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?\s?(Z|[+-]\d{2}:?\d{2})?$/i;

export interface ReadTime {
  /** Microseconds since the epoch. */
  readonly micros: number;
  /** It had no offset and was taken as this machine's local time. */
  readonly local: boolean;
}

function invalid(text: string, why: string): UndoError {
  return new UndoError('DATETIME_INVALID', `${JSON.stringify(text.slice(0, 100))} ${why}.`);
}

/**
 * Reads `2026-11-20T14:05:00.123456Z`, or with an offset; a space may stand for the T.
 * @param zone `local` also takes a time without offset, as mysqlbinlog does.
 * @throws UndoError DATETIME_INVALID
 */
export function readTime(text: string, zone: 'explicit' | 'local'): ReadTime {
  const match = FORM.exec(text.trim());
  if (!match) throw invalid(text, 'is not a time');
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset] = match;
  const fields = [Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)] as const;
  const utc = Date.UTC(...fields);
  // Date carries over what is out of range: 2026-02-31 would be March.
  const back = new Date(utc);
  const kept = back.getUTCFullYear() === fields[0] && back.getUTCMonth() === fields[1] && back.getUTCDate() === fields[2]
    && back.getUTCHours() === fields[3] && back.getUTCMinutes() === fields[4] && back.getUTCSeconds() === fields[5];
  if (!kept) throw invalid(text, 'does not exist in the calendar');
  const micros = Number(fraction.padEnd(6, '0'));
  if (offset === undefined) {
    if (zone === 'explicit') throw invalid(text, 'has no offset');
    return { micros: new Date(...fields).getTime() * 1000 + micros, local: true };
  }
  return { micros: (utc - offsetMinutes(offset, text) * 60_000) * 1000 + micros, local: false };
}

function offsetMinutes(offset: string, text: string): number {
  if (/^z$/i.test(offset)) return 0;
  const digits = offset.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  if (Number(digits.slice(3, 5)) > 59 || minutes > 14 * 60) throw invalid(text, 'has an offset that no place on earth has');
  return digits.startsWith('-') ? -minutes : minutes;
}

/** `2026-11-20T14:05:00.123456Z` */
export function formatMicros(micros: number): string {
  const millis = Math.floor(micros / 1000);
  const rest = micros - millis * 1000;
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) return `${micros} us`;
  return `${date.toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** A DATETIME(6) of the ledger, which is UTC: `2026-11-20T14:05:00.123456Z`. */
export function formatDatetime(datetime: string): string {
  return `${datetime.replace(' ', 'T')}Z`;
}
