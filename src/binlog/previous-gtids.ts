import { UndoError } from '../core/errors.ts';
import type { ByteCursor } from '../core/bytes.ts';
import type { EventHeader } from './events.ts';
import { GtidSet } from './gtid-set.ts';
import { uuidText, varint } from './gtid-event.ts';

/** Format 1 came with tagged GTIDs (MySQL 8.3): each entry then also has a tag, and a uuid comes once for each of its tags. */
const TAGGED = 1n;

/**
 * PREVIOUS_GTIDS, the encoding of rpl_gtid_set.cc: a u64 with the format in its top byte and the number of entries in all
 * of it (format 0) or in bits 8 to 55 (format 1); an entry is the uuid (16), its tag (format 1: length as varint, text), the number
 * of intervals (u64) and those (begin and end, end exclusive, u64 each).
 * @returns the set as the server prints it.
 */
export function parsePreviousGtids(header: EventHeader, body: ByteCursor): string {
  const u64 = (): bigint => body.slice(8).readBigUInt64LE(0);
  const first = u64();
  const format = first >> 56n;
  if (format > TAGGED) throw new UndoError('EVENT_UNSUPPORTED', `PREVIOUS_GTIDS at ${header.file}:${header.start} has the unknown format ${format}.`);
  const entries = Number(format === TAGGED ? (first >> 8n) & 0xffff_ffff_ffffn : first);
  const items: string[] = [];
  for (let i = 0; i < entries; i++) {
    let origin = uuidText(body.slice(16));
    if (format === TAGGED) {
      const tag = body.text(Number(varint(body)));
      if (tag !== '') origin += `:${tag}`;
    }
    for (let intervals = u64(); intervals > 0n; intervals--) items.push(`${origin}:${u64()}-${u64() - 1n}`);
  }
  return GtidSet.parse(items.join(',')).toString();
}
