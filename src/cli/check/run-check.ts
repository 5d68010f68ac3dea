import type { Connection } from 'mysql2/promise';
import type { Config } from '../../config/config.ts';
import { ERRORS } from '../../core/errors.ts';
import { connectionError, hostPort, openConnection, type ServerEndpoint } from '../../core/mysql.ts';
import { probeServer, type ServerCapabilities } from '../../core/server.ts';
import { replicaIdentity } from '../../source/replica-identity.ts';
import { backupPrefix, checkBackupNames } from './backup-names.ts';
import { readGrants } from './grants.ts';
import { mendOn, readService } from './managed.ts';
import { Collector, type CheckReport, type Mend, type ServerSummary } from './report.ts';
import { checkBackupRights, checkScratchRights, checkSourceRights } from './rights.ts';
import { checkBackupState, checkBinlogFilters, checkClock, checkPair, checkServerId, checkSourceState, isSameServer } from './server-state.ts';
import { checkSourceSettings } from './source-settings.ts';

interface Server {
  readonly role: ServerEndpoint['role'];
  readonly connection: Connection;
  readonly capabilities: ServerCapabilities;
  readonly summary: ServerSummary;
}

/**
 * Looks at both servers and tells what keeps the daemon from its work, what costs something, and how each is mended.
 * Changes nothing on either server. Servers that cannot be reached are findings, not errors.
 */
export async function runCheck(config: Config<'source'>): Promise<CheckReport> {
  const out = new Collector();
  const source = await meet(config.source.endpoint, out);
  const backup = config.backup === null ? null : await meet(config.backup.endpoint, out);
  try {
    if (source) await checkSource(source, config, out);
    if (config.backup === null) {
      out.add({
        code: 'CONFIG_BACKUP_MISSING', severity: 'fault', on: 'machine', found: 'no backup server is configured',
        why: 'The undo log needs a server to live on.', mend: { text: ERRORS.CONFIG_BACKUP_MISSING.fix },
      });
    }
    if (backup) {
      checkBackupState(backup.capabilities, source?.capabilities ?? null, out);
      checkClock('backup', backup.capabilities, out);
      const prefix = config.projection.enabled ? backupPrefix(config.source) : null;
      const grants = await readGrants(backup.connection);
      checkBackupRights(grants, config.ledger, prefix, out);
      if (source && source.capabilities.flavour === backup.capabilities.flavour) checkScratchRights(grants, config.ledger, out);
    }
    if (source && backup) {
      checkPair(source.capabilities, backup.capabilities, await isSameServer(source.connection, backup.connection), out);
    }
    for (const server of [source, backup]) if (server) await adaptToService(server, out);
  } finally {
    source?.connection.destroy();
    backup?.connection.destroy();
  }
  return out.report(source?.summary ?? null, backup?.summary ?? null);
}

async function checkSource(source: Server, config: Config<'source'>, out: Collector): Promise<void> {
  const { connection, capabilities } = source;
  checkSourceState(capabilities, out);
  checkSourceSettings(capabilities, out);
  checkSourceRights(await readGrants(connection), capabilities.flavour, config.filters, out);
  await checkBinlogFilters(connection, capabilities, out);
  if (config.projection.enabled) await checkBackupNames(connection, config, out);
  await checkServerId(connection, capabilities, replicaIdentity(config.source.alias, config.source.serverId), out);
  checkClock('source', capabilities, out);
}

/** On a provider's service other steps lead out than SQL and my.cnf. */
async function adaptToService({ connection, summary, role }: Server, out: Collector): Promise<void> {
  const service = await readService(connection, summary.host, summary.version);
  if (!service) return;
  if (role === 'source' && service.retention !== null) {
    out.add({
      code: 'MANAGED_RETENTION', severity: 'info', on: role, found: `the source is a ${service.name}`,
      why: 'How long it keeps binlog files is not in its variables; the daemon may be away for so long.', mend: { text: service.retention },
    });
  }
  out.adapt(role, (finding) => mendOn(service, finding));
}

async function meet(endpoint: ServerEndpoint, out: Collector): Promise<Server | null> {
  const on = endpoint.role;
  let connection: Connection | undefined;
  try {
    connection = await openConnection(endpoint);
    const capabilities = await probeServer(connection);
    const { host, port, user } = endpoint;
    const { flavour, version, support } = capabilities;
    out.pass(on, `${on.toUpperCase()}_CONNECTION`, `${hostPort(endpoint)} as "${user}"`);
    return { role: on, connection, capabilities, summary: { host, port, user, flavour, version: version.raw, support: support.level } };
  } catch (thrown) {
    connection?.destroy();
    const error = connectionError(endpoint, thrown);
    const denied = error.code === 'SOURCE_ACCESS_DENIED' || error.code === 'BACKUP_ACCESS_DENIED';
    out.add({
      code: error.code, severity: 'fault', on, found: error.message,
      why: 'Nothing else can be checked on this server.',
      mend: denied ? accountMend(endpoint) : { text: error.fix },
    });
    return null;
  }
}

/** Statements that make the account; REPLICATION CLIENT is understood by MySQL and MariaDB alike. */
function accountMend({ role, user }: ServerEndpoint): Partial<Mend> {
  const account = `'${user.replaceAll("'", "''")}'@'%'`;
  return {
    sql: [
      `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '<password>';`,
      role === 'source' ? `GRANT REPLICATION SLAVE, REPLICATION CLIENT, PROCESS, SELECT ON *.* TO ${account};` : `GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON *.* TO ${account};`,
    ],
    text: 'If the account exists, correct its password in the configuration. Run check again: it names narrower rights.',
  };
}
