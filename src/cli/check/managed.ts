import type { Connection } from 'mysql2/promise';
import { rows } from '../../core/mysql.ts';
import type { Finding, Mend } from './report.ts';

/** A provider's service, where nobody has SUPER and there is no my.cnf. */
export interface ManagedService {
  readonly name: string;
  /** How its server variables are set. */
  readonly settings: string;
  /** What it has for a variable that is set in another way than the rest. */
  readonly special: Readonly<Partial<Record<string, string>>>;
  /** How long it keeps binlog files; null: a variable like any other. */
  readonly retention: string | null;
}

const RDS_RETENTION = "CALL mysql.rds_set_configuration('binlog retention hours', 168); without it RDS removes binlog files as soon as it can, whatever the variables say.";

const RDS: ManagedService = {
  name: 'Amazon RDS',
  settings: 'set it in the parameter group of the instance (a group of your own, not the default one), and reboot where the parameter is static',
  special: { log_bin: 'turn on automated backups: with a retention of 0 days RDS writes no binlog' }, retention: RDS_RETENTION,
};
const AURORA: ManagedService = {
  name: 'Amazon Aurora',
  settings: 'set it in the cluster parameter group (a group of your own), and reboot the writer',
  special: { log_bin: 'set binlog_format = ROW in the cluster parameter group and reboot the writer: on Aurora that turns the binlog on' }, retention: RDS_RETENTION,
};
const CLOUD_SQL: ManagedService = {
  name: 'Google Cloud SQL',
  settings: 'set it as a database flag: gcloud sql instances patch INSTANCE --database-flags=..., with all flags that are to stay',
  special: { log_bin: 'turn on point-in-time recovery: gcloud sql instances patch INSTANCE --enable-bin-log' },
  retention: 'gcloud sql instances patch INSTANCE --retained-transaction-log-days=7 keeps binlog files for so long.',
};
const AZURE: ManagedService = {
  name: 'Azure Database for MySQL',
  settings: 'set it under Server parameters: az mysql flexible-server parameter set --name NAME --value VALUE',
  special: { log_bin: 'the binlog is always on there; look whether this is really the server' }, retention: null,
};

/**
 * By what each service leaves in the server's variables, or by the name of its host. As their documentation has it; not tried
 * against the services. @param variables lower-case names.
 */
export function identifyService(host: string, version: string, variables: ReadonlyMap<string, string>): ManagedService | null {
  if (variables.has('aurora_version') || /\.cluster-(ro-|custom-)?[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com/i.test(host)) return AURORA;
  if (/^\/rdsdb/.test(variables.get('basedir') ?? '') || /^\/rdsdb/.test(variables.get('datadir') ?? '') || /\.rds\.amazonaws\.com(\.cn)?$/i.test(host)) return RDS;
  if (/-google\b/i.test(version) || [...variables.keys()].some((name) => name.startsWith('cloudsql_'))) return CLOUD_SQL;
  if (/-azure\b/i.test(version) || /\.(mysql|mariadb)\.database\.(azure\.com|chinacloudapi\.cn|usgovcloudapi\.net)$/i.test(host)) return AZURE;
  return null;
}

export async function readService(connection: Connection, host: string, version: string): Promise<ManagedService | null> {
  const found = await rows<{ Variable_name: string; Value: string }>(connection,
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('aurora_version', 'basedir', 'datadir') OR Variable_name LIKE 'cloudsql%'");
  return identifyService(host, version, new Map(found.map(({ Variable_name: name, Value: value }) => [name.toLowerCase(), value])));
}

/** The way out of a finding as it works on the service: its variables are not set by SQL, and there is no my.cnf. */
export function mendOn(service: ManagedService, { mend }: Pick<Finding, 'mend'>): Mend {
  const set = (line: string): string | undefined => /^SET (?:PERSIST|GLOBAL) (.*?);?$/.exec(line)?.[1];
  const assignments = [...new Set([...mend.sql.map(set), ...mend.cnf].filter((line) => line !== undefined).map((line) => line.replaceAll("'", '')))];
  if (assignments.length === 0) return mend;
  const names = assignments.map((line) => line.split(/\s*=/)[0]!);
  const special = names.map((name) => service.special[name]).find((text) => text !== undefined);
  const retention = names.some((name) => /expire_logs/.test(name)) ? service.retention : null;
  const step = special ?? retention ?? `${assignments.join(', ')}: ${service.settings}`;
  const rest = special === undefined ? mend.text : null;
  return { sql: mend.sql.filter((line) => set(line) === undefined), cnf: [], text: `On ${service.name}: ${step}${step.endsWith('.') ? '' : '.'}${rest === null ? '' : ` ${rest}`}` };
}
