import { createHash } from 'node:crypto';

/** How a reader of the binlog presents itself to the source. */
export interface ReplicaIdentity {
  /** Shown by SHOW REPLICAS as the host. At most 60 bytes (the server's limit for report_host). */
  readonly name: string;
  readonly serverId: number;
  readonly uuid: string;
}

/**
 * The same alias always gives the same identity, so that a reconnect is known as the same replica:
 * MySQL ends the dump of an old connection with our uuid by itself.
 * @param serverId as configured; derived from the alias when null, between 2^31 and 2^32 - 2, where people do not number servers.
 */
export function replicaIdentity(alias: string, serverId: number | null): ReplicaIdentity {
  const digest = createHash('sha256').update(`binlog-undo replica ${alias}`).digest();
  return {
    name: `binlog-undo:${alias}`.slice(0, 60),
    serverId: serverId ?? 0x8000_0000 + (digest.readUInt32LE(16) % 0x7fff_fffe),
    uuid: uuidOf(digest),
  };
}

/** Formats sixteen hash bytes as an RFC 9562 version 8 uuid. */
function uuidOf(digest: Buffer): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
