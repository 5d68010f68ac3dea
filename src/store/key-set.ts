import { UndoError } from '../core/errors.ts';

/** Columns of a table whose values together were hashed (see `rollback/keys`). */
export interface KeySetList {
  readonly columns: readonly number[];
  /** All of a row, for a table without a key. */
  readonly whole: boolean;
}

/**
 * What one block holds of one table's keys: the hashes of every value of these lists, before and after each change. Of all
 * lists together, since each list hashes with a seed of its own. Without lists nothing is known: only the rows themselves tell.
 */
export interface KeySet {
  /** Of the definition that the columns count in (`shapeMark`). */
  readonly mark: number;
  readonly lists: readonly KeySetList[];
  /** Ascending, each once. */
  readonly hashes: Uint32Array;
}

export const UNKNOWN_KEYS: KeySet = { mark: 0, lists: [], hashes: new Uint32Array(0) };

/*
 * version u8 | mark u32 | lists u8 | for each list: whole u8, columns u16, each of them u16 | hashes u32 to the end
 */
const VERSION = 1;
const HEADER = 6;

export function packKeySet({ mark, lists, hashes }: KeySet): Buffer {
  const packed = Buffer.allocUnsafe(HEADER + lists.reduce((sum, { columns }) => sum + 3 + 2 * columns.length, 0) + 4 * hashes.length);
  let at = packed.writeUInt8(VERSION);
  at = packed.writeUInt32LE(mark, at);
  at = packed.writeUInt8(lists.length, at);
  for (const { whole, columns } of lists) {
    at = packed.writeUInt16LE(columns.length, packed.writeUInt8(whole ? 1 : 0, at));
    for (const column of columns) at = packed.writeUInt16LE(column, at);
  }
  for (const hash of hashes) at = packed.writeUInt32LE(hash, at);
  return packed;
}

/** @throws UndoError INTERNAL when the bytes are not a key set. */
export function unpackKeySet(packed: Buffer): KeySet {
  try {
    if (packed.readUInt8(0) !== VERSION) throw new RangeError(`version ${packed[0]}`);
    const mark = packed.readUInt32LE(1);
    let at = HEADER;
    const lists = Array.from({ length: packed.readUInt8(5) }, (): KeySetList => {
      const whole = packed.readUInt8(at) === 1;
      const count = packed.readUInt16LE(at + 1);
      at += 3;
      const columns = Array.from({ length: count }, (_, i) => packed.readUInt16LE(at + 2 * i));
      at += 2 * count;
      return { whole, columns };
    });
    if ((packed.length - at) % 4 !== 0) throw new RangeError(`${packed.length} bytes`);
    const hashes = new Uint32Array((packed.length - at) / 4);
    for (let i = 0; i < hashes.length; i++) hashes[i] = packed.readUInt32LE(at + 4 * i);
    return { mark, lists, hashes };
  } catch (error) {
    throw new UndoError('INTERNAL', 'A key set of the log does not parse.', { cause: error });
  }
}
