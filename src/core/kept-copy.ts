const SHARED_BYTES = 64 * 1024;
/** What is longer has memory of its own. */
const LONGEST = SHARED_BYTES / 16;

let shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
let used = 0;

/**
 * A copy of [start, end) in memory that it shares with others of about its age, for short values by the hundred thousand:
 * Buffer.from takes a view of them first, and its shared pieces hold 8 KiB only.
 */
export function keptCopy(bytes: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length > LONGEST) return Buffer.from(bytes.subarray(start, end));
  if (used + length > SHARED_BYTES) {
    shared = Buffer.allocUnsafeSlow(SHARED_BYTES);
    used = 0;
  }
  const from = used;
  used += bytes.copy(shared, from, start, end);
  return shared.subarray(from, used);
}
