let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/**
 * A view that reads four bytes at once, for loops over longer values. Made once for a run of calls on the same buffer: it
 * costs more than a short value does, and belongs to no row.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return view;
}

/** True when `count` bytes from `s` and from `t` are the same. */
export function sameBytes(bytes: Uint8Array, s: number, t: number, count: number): boolean {
  let i = 0;
  if (count >= 8) {
    const words = viewOf(bytes);
    for (const last = count - 4; i <= last; i += 4) if (words.getInt32(s + i, true) !== words.getInt32(t + i, true)) return false;
  }
  for (; i < count; i++) if (bytes[s + i] !== bytes[t + i]) return false;
  return true;
}
