import type { Connection } from 'mysql2/promise';
import { UndoError } from '../core/errors.ts';
import { rows, serverErrorNumber } from '../core/mysql.ts';
import type { ServerCapabilities } from '../core/server.ts';
import type { ReplicaIdentity } from './replica-identity.ts';

/** ER_SPECIFIC_ACCESS_DENIED_ERROR. */
const ACCESS_DENIED = 1227;

/**
 * Refuses a server id that somebody else's live replica holds: connecting with it would end that replica's dump.
 * Our own registration, left by a connection that is not yet cleaned up, is known by its uuid (MySQL) or name (MariaDB).
 */
export async function refuseTakenServerId(control: Connection, capabilities: ServerCapabilities, identity: ReplicaIdentity): Promise<void> {
  if (identity.serverId === capabilities.serverId) {
    throw new UndoError('SERVER_ID_TAKEN', `Server id ${identity.serverId} is the source's own.`);
  }
  const replicas = await rows<Record<string, string | number | null>>(control, capabilities.statements.replicas).catch((error: unknown) => {
    // MariaDB wants REPLICATION MASTER ADMIN for this list; without it a clash shows when one of the two dumps ends.
    if (serverErrorNumber(error) === ACCESS_DENIED) return [];
    throw error;
  });
  for (const replica of replicas) {
    if (Number(replica.Server_Id ?? replica.Server_id) !== identity.serverId) continue;
    const uuid = replica.Replica_UUID ?? replica.Slave_UUID;
    const ours = uuid === undefined ? replica.Host === identity.name : uuid === identity.uuid;
    if (!ours) {
      throw new UndoError('SERVER_ID_TAKEN', `Server id ${identity.serverId} is held by the replica ${String(uuid ?? replica.Host)} of this source.`);
    }
  }
}
