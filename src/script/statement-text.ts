const strict = new TextDecoder('utf-8', { fatal: true });

/** Logged statement bytes as text for people: UTF-8 (a character cut off at the end is dropped), else as latin1 shows them. */
export function readableStatement(bytes: Buffer): string {
  for (let drop = 0; drop <= Math.min(3, bytes.length); drop++) {
    try {
      return strict.decode(bytes.subarray(0, bytes.length - drop));
    } catch {
      continue;
    }
  }
  return bytes.toString('latin1');
}
