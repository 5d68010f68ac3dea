import type { ByteCursor } from '../core/bytes.ts';
import type { BinlogEvent, EventHeader } from './events.ts';

/** XA_PREPARE (MySQL control_events.h, XA_prepare_event; MariaDB the same layout). */
export function parseXaPrepare(header: EventHeader, body: ByteCursor): BinlogEvent {
  const onePhase = body.u8() !== 0;
  const format = body.u32();
  const gtrid = body.u32();
  const bqual = body.u32();
  return { kind: 'xaPrepare', header, onePhase, xid: xidText(body.slice(gtrid), body.slice(bqual), format) };
}

/** The form in which servers log XIDs in XA statements: `X'6131',X'',1`. */
export function xidText(gtrid: Buffer, bqual: Buffer, format: number): string {
  return `X'${gtrid.toString('hex')}',X'${bqual.toString('hex')}',${format}`;
}
