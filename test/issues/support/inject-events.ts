import { readFileSync, writeFileSync } from 'node:fs';
import { EventType } from '../../../src/binlog/event-type.ts';
import { HEADER, sealed } from '../../fuzz/event-bytes.ts';

const MAGIC = 4;

/** An event in a binlog file, and how many events of its type came before it. */
export interface Place {
  readonly type: number;
  readonly nth: number;
}

/**
 * Puts events into a binlog file that the server has closed: events of servers, releases and faults that no server here
 * has. What follows keeps its bytes, but for the positions and checksums of the headers.
 * @param make the events that go in front of the one at this place.
 */
export function injectEvents(file: string, make: (place: Place) => readonly Buffer[]): void {
  const old = readFileSync(file);
  const seen = new Map<number, number>();
  const parts: Buffer[] = [old.subarray(0, MAGIC)];
  let end = MAGIC;
  const put = (event: Buffer, stated: boolean): void => {
    const copy = Buffer.from(event);
    end += copy.length;
    // MariaDB 11.8 states no position inside transactions.
    if (stated) copy.writeUInt32LE(end, 13);
    parts.push(sealed(copy));
  };
  for (let at = MAGIC; at < old.length;) {
    const event = old.subarray(at, at + old.readUInt32LE(at + 9));
    const type = event[4]!;
    const nth = seen.get(type) ?? 0;
    seen.set(type, nth + 1);
    for (const extra of make({ type, nth })) put(extra, true);
    put(event, event.readUInt32LE(13) !== 0);
    at += event.length;
  }
  writeFileSync(file, Buffer.concat(parts));
}

/** @param flags of the common header; 0x80: readers that do not know the event pass over it. */
export function event(type: number, body: Buffer, serverId: number, flags = 0): Buffer {
  const made = Buffer.alloc(HEADER + body.length + 4);
  made.writeUInt32LE(Math.floor(Date.now() / 1000), 0);
  made.writeUInt8(type, 4);
  made.writeUInt32LE(serverId, 5);
  made.writeUInt32LE(made.length, 9);
  made.writeUInt16LE(flags, 17);
  body.copy(made, HEADER);
  return made;
}

/** LOST_EVENTS, as a server writes it when its cache could not be written. */
export function incident(serverId: number, message: string): Buffer {
  return event(EventType.INCIDENT, Buffer.concat([Buffer.from([1, 0, message.length]), Buffer.from(message)]), serverId);
}
