import { EventType } from './event-type.ts';
import type { BinlogEvent, EventHeader } from './events.ts';

/**
 * What ties a position to one life of a binlog: the event that ends there, and when its file was begun. A RESET, a restored
 * server or a regrown file of the same name has another event there, or none.
 */
export interface Anchor {
  /** Of the event; another file than the position's when that one was only just begun. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** Null for a FORMAT_DESCRIPTION, which the server sends with changed flags. */
  readonly crc: number | null;
  /** The header second of the file's FORMAT_DESCRIPTION; null when the stream did not show it. */
  readonly created: number | null;
}

/** Follows a stream; the cost is one reference for each event. */
export class AnchorTracker {
  readonly #initial: Anchor | null;
  #last: EventHeader | null = null;
  #created: number | null = null;
  /** Of the file that a ROTATE ends. */
  #ended: number | null = null;

  /** @param initial the anchor of the position that the stream starts from. */
  constructor(initial: Anchor | null) {
    this.#initial = initial;
  }

  note(event: BinlogEvent): void {
    const { header } = event;
    // What the server makes up for this stream has no bytes in the file.
    if (header.end > header.start) this.#last = header;
    if (event.kind === 'format') this.#created = header.timestamp;
    else if (event.kind === 'rotate' && this.#created !== null) {
      this.#ended = this.#created;
      this.#created = null;
    }
  }

  /** The anchor of the position just reached. */
  get anchor(): Anchor | null {
    const last = this.#last;
    if (last === null) return this.#initial;
    const { file, start, end, type, crc } = last;
    return { file, start, end, crc: type === EventType.FORMAT_DESCRIPTION ? null : crc, created: type === EventType.ROTATE ? this.#ended : this.#created };
  }
}

/** Is this event the one that the anchor names? */
export function isAnchor({ file, start, end, crc }: EventHeader, anchor: Anchor): boolean {
  return file === anchor.file && start === anchor.start && end === anchor.end && (anchor.crc === null || crc === anchor.crc);
}
