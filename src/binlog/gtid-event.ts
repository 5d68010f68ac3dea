import { ByteCursor, i64Text, u64Text } from '../core/bytes.ts';
import { UndoError } from '../core/errors.ts';
import { KnownBytes } from '../core/known-bytes.ts';
import type { EventHeader, GtidEvent } from './events.ts';

/** Sixteen bytes as a uuid is written. */
export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const UUID_BYTES = 16;
/** The answer given last: transaction after transaction comes from the same server. */
let last = { bytes: new KnownBytes(Buffer.alloc(UUID_BYTES), 0, UUID_BYTES), uuid: uuidText(Buffer.alloc(UUID_BYTES)) };

function uuidAt(buffer: Buffer, at: number): string {
  const end = at + UUID_BYTES;
  if (!last.bytes.are(buffer, at, end)) last = { bytes: new KnownBytes(buffer, at, end), uuid: uuidText(buffer.subarray(at, end)) };
  return last.uuid;
}

/** Seven bytes of microseconds whose top bit tells that the original commit time follows (control_events.h). */
function commitTime(cursor: ByteCursor): number {
  const low = cursor.u48();
  const high = cursor.u8();
  const micros = low + (high & 0x7f) * 2 ** 48;
  if (high & 0x80) cursor.take(7);
  return micros;
}

/** GTID and ANONYMOUS_GTID (MySQL control_events.h, Gtid_event). */
export function parseMysqlGtid(header: EventHeader, body: ByteCursor, anonymous: boolean): GtidEvent {
  body.u8();
  const uuid = uuidAt(body.buffer, body.take(UUID_BYTES));
  const number = i64Text(body.buffer, body.take(8));
  let commitMicros: number | null = null;
  // A logical clock (type 2, two numbers) precedes the commit times, which 8.0.1 added.
  if (body.left >= 17 && body.u8() === 2) {
    body.take(16);
    if (body.left >= 7) commitMicros = commitTime(body);
  }
  return event(header, anonymous ? null : `${uuid}:${number}`, commitMicros);
}

function event(header: EventHeader, gtid: string | null, commitMicros: number | null): GtidEvent {
  return { kind: 'gtid', header, gtid, commitMicros, threadId: null, opensGroup: false, twoPhaseAlter: null };
}

/** One integer of mysql::serialization: the count of trailing ones in the first byte tells how many bytes follow. */
export function varint(cursor: ByteCursor): bigint {
  const first = cursor.u8();
  let extra = 0;
  while (extra < 8 && first & (1 << extra)) extra++;
  let value = BigInt(first) >> BigInt(extra + 1);
  const shift = BigInt(Math.max(0, 7 - extra));
  const rest = cursor.slice(extra);
  for (let i = extra - 1, acc = 0n; i >= 0; i--) {
    acc = (acc << 8n) | BigInt(rest[i]!);
    if (i === 0) value |= acc << shift;
  }
  return value;
}

/** The zigzag form of a signed integer. */
function signed(value: bigint): bigint {
  return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
}

/**
 * GTID_TAGGED (MySQL >= 8.3, control_events.h Gtid_event::define_fields): a message of fields, each after its id.
 * Ids used: 0 flags, 1 uuid (16 integers), 2 gno, 3 tag, 4 and 5 logical clock, 6 commit time.
 */
export function parseTaggedGtid(header: EventHeader, body: ByteCursor): GtidEvent {
  const start = body.offset;
  if (varint(body) !== 1n) throw new UndoError('EVENT_UNSUPPORTED', `GTID_TAGGED at ${header.file}:${header.start} has an unknown serialization version.`);
  const message = new ByteCursor(body.buffer, start, Math.min(body.end, start + Number(varint(body))));
  message.offset = body.offset;
  varint(message);
  let uuid = '';
  let gno = 0n;
  let tag = '';
  let commitMicros: number | null = null;
  while (message.left > 0) {
    const id = Number(varint(message));
    if (id === 1) {
      const bytes = Buffer.alloc(16);
      for (let i = 0; i < 16; i++) bytes[i] = Number(varint(message));
      uuid = uuidText(bytes);
    } else if (id === 2) gno = signed(varint(message));
    else if (id === 3) tag = message.text(Number(varint(message)));
    else if (id === 4 || id === 5) signed(varint(message));
    else if (id === 0) varint(message);
    else if (id === 6) commitMicros = Number(varint(message));
    // What follows (original commit time, lengths, versions) is not used and may grow in later releases.
    if (id >= 6) break;
  }
  if (uuid === '' || gno < 1n) throw new UndoError('EVENT_CORRUPT', `GTID_TAGGED at ${header.file}:${header.start} lacks uuid or number.`);
  return event(header, tag === '' ? `${uuid}:${gno}` : `${uuid}:${tag}:${gno}`, commitMicros);
}

const FLAGS2 = { STANDALONE: 0x01, GROUP_COMMIT_ID: 0x02, PREPARED_XA: 0x40, COMPLETED_XA: 0x80 } as const;
const EXTRA = { MULTI_ENGINE: 0x01, START_ALTER: 0x02, COMMIT_ALTER: 0x04, ROLLBACK_ALTER: 0x08, THREAD_ID: 0x10 } as const;

/** MariaDB's GTID (log_event.h, Gtid_log_event; the thread id since 11.5, MDEV-7850; bytes measured on 10.11 and 11.8). */
export function parseMariadbGtid(header: EventHeader, body: ByteCursor): GtidEvent {
  const sequence = u64Text(body.buffer, body.take(8));
  const domain = body.u32();
  const flags = body.u8();
  if (flags & FLAGS2.GROUP_COMMIT_ID) body.take(8);
  if (flags & (FLAGS2.PREPARED_XA | FLAGS2.COMPLETED_XA)) {
    body.take(4);
    const gtrid = body.u8();
    body.take(body.u8() + gtrid);
  }
  const extra = body.left > 0 ? body.u8() : 0;
  if (extra & EXTRA.MULTI_ENGINE) body.take(1);
  if (extra & (EXTRA.COMMIT_ALTER | EXTRA.ROLLBACK_ALTER)) body.take(8);
  return {
    kind: 'gtid',
    header,
    gtid: `${domain}-${header.serverId}-${sequence}`,
    commitMicros: null,
    threadId: extra & EXTRA.THREAD_ID ? body.u32() : null,
    opensGroup: (flags & FLAGS2.STANDALONE) === 0,
    twoPhaseAlter: extra & EXTRA.START_ALTER ? 'start' : extra & EXTRA.COMMIT_ALTER ? 'commit' : extra & EXTRA.ROLLBACK_ALTER ? 'rollback' : null,
  };
}
