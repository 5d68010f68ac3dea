import { UndoError } from '../../core/errors.ts';
import type { SqlBuffer } from '../../core/sql-buffer.ts';
import { charsetByName } from '../charsets.ts';
import { writeUnsigned, type Emit } from './digits.ts';
import { textEmitter } from './text.ts';

const emitUtf8 = textEmitter(charsetByName('utf8mb4')!);

/** ENUM and SET members by name, for a table whose list of members is no longer that of the row. */
export interface Relabelling {
  readonly then: readonly string[];
  /** Holds all of `then`. */
  readonly now: readonly string[];
}

function writeText(out: SqlBuffer, text: string): void {
  const bytes = Buffer.from(text);
  emitUtf8(out, bytes, 0, bytes.length);
}

/** @param empty how the member '' is written: as a value it is '', in comparisons its number, since index 0 equals '' too. */
export function enumLabelEmitter({ then, now }: Relabelling, empty: 'text' | 'number'): Emit {
  return (out, b, s, e) => {
    const index = b.readUIntLE(s, e - s);
    const label = index === 0 ? null : then[index - 1];
    if (label === undefined) throw new UndoError('EVENT_CORRUPT', `An ENUM holds member ${index} of ${then.length}.`);
    if (label === null) out.byte(48);
    else if (label === '' && empty === 'number') writeUnsigned(out, now.indexOf('') + 1);
    else writeText(out, label);
  };
}

/** In the order of today's list, as the server itself shows a SET: its text is compared. */
export function setLabelEmitter({ then, now }: Relabelling): Emit {
  return (out, b, s, e) => {
    const held = new Set(then.filter((_, bit) => (b[s + (bit >> 3)]! & (1 << (bit & 7))) !== 0));
    if (s + ((then.length + 7) >> 3) > e) throw new UndoError('EVENT_CORRUPT', `A SET of ${then.length} members is ${e - s} bytes long.`);
    if (held.size === 0) out.byte(48);
    else writeText(out, now.filter((label) => held.has(label)).join(','));
  };
}
