import type { FilterSettings } from '../../config/config.ts';
import type { Flavour } from '../../core/server-version.ts';
import { quoteName } from '../../core/identifiers.ts';
import { scratchPrefix } from '../../core/undo-tables.ts';
import { grantPattern, type Grants } from './grants.ts';
import type { Collector, Severity } from './report.ts';

interface Right {
  readonly privilege: string;
  readonly severity: Severity;
  readonly why: string;
}

const SOURCE_RIGHTS: Readonly<Record<Flavour, readonly Right[]>> = {
  mysql: [
    { privilege: 'REPLICATION SLAVE', severity: 'fault', why: 'Without it the source does not send its binlog.' },
    { privilege: 'REPLICATION CLIENT', severity: 'fault', why: 'Without it the current binlog position cannot be asked for.' },
    { privilege: 'PROCESS', severity: 'warning', why: 'The process list tells user and host of a session; without it both stay "unknown".' },
    { privilege: 'TRIGGER', severity: 'info', why: 'Without it the triggers of tables are not seen, so a script cannot warn that they fire again, and a dropped one cannot be made again.' },
    { privilege: 'SHOW VIEW', severity: 'info', why: 'Without it the definitions of views are not seen, so a dropped or altered one cannot be made again.' },
    { privilege: 'EVENT', severity: 'info', why: 'Without it the events of the scheduler are not seen, so a dropped or altered one cannot be made again.' },
  ],
  mariadb: [
    { privilege: 'REPLICATION SLAVE', severity: 'fault', why: 'Without it the source does not send its binlog.' },
    { privilege: 'BINLOG MONITOR', severity: 'fault', why: 'Without it the current binlog position cannot be asked for.' },
    { privilege: 'PROCESS', severity: 'warning', why: 'The process list tells user and host of a session; without it both stay "unknown".' },
    { privilege: 'TRIGGER', severity: 'info', why: 'Without it the triggers of tables are not seen, so a script cannot warn that they fire again, and a dropped one cannot be made again.' },
    { privilege: 'SHOW VIEW', severity: 'info', why: 'Without it the definitions of views are not seen, so a dropped or altered one cannot be made again.' },
    { privilege: 'EVENT', severity: 'info', why: 'Without it the events of the scheduler are not seen, so a dropped or altered one cannot be made again.' },
    { privilege: 'SLAVE MONITOR', severity: 'info', why: 'Without it nothing can tell whether this server is itself a replica.' },
    { privilege: 'REPLICATION MASTER ADMIN', severity: 'info', why: 'Without it the registered replicas cannot be listed, so a server id in use is noticed only when the server ends a connection.' },
  ],
};

/** The rights of the account that reads the binlog and the definitions. */
export function checkSourceRights(grants: Grants, flavour: Flavour, filters: FilterSettings, out: Collector): void {
  for (const { privilege, severity, why } of SOURCE_RIGHTS[flavour]) {
    const held = grants.everywhere(privilege);
    out.test(!held, {
      code: `RIGHT_${privilege.replaceAll(' ', '_')}`, severity, on: 'source',
      found: `${grants.account} ${held ? 'has' : 'lacks'} ${privilege}`,
      why,
      mend: { sql: [`GRANT ${privilege} ON *.* TO ${grants.account};`] },
    });
  }
  checkSelect(grants, filters, out);
}

function checkSelect(grants: Grants, filters: FilterSettings, out: Collector): void {
  const wanted = [...new Set([...filters.includeDatabases, ...filters.includeTables.map((name) => name.slice(0, name.indexOf('.')))])];
  const missing = wanted.filter((schema) => !grants.onSchema('SELECT', schema));
  const all = grants.everywhere('SELECT');
  const [found, sql] = wanted.length > 0
    ? [missing.length === 0 ? `${grants.account} has SELECT on every included database` : `${grants.account} lacks SELECT on ${missing.map(quoteName).join(', ')}`,
      missing.map((schema) => `GRANT SELECT ON ${grantPattern(schema)}.* TO ${grants.account};`)]
    : [all ? `${grants.account} has SELECT on all databases` : `${grants.account} has SELECT on ${grants.anywhere('SELECT') ? 'some databases only' : 'no database'}`,
      [`GRANT SELECT ON *.* TO ${grants.account};`]];
  out.test(wanted.length > 0 ? missing.length > 0 : !all, {
    code: 'RIGHT_SELECT',
    severity: wanted.length === 0 && grants.anywhere('SELECT') ? 'warning' : 'fault',
    on: 'source', found,
    why: 'information_schema shows a table only to accounts with a right on it; the definitions of other tables stay unknown, and their rows become gaps.',
    mend: { sql },
  });
}

/** What each database of ours is written and read with. ALTER is not among them: no statement of this release uses it on tables it made. */
const LEDGER_RIGHTS = ['CREATE', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;
const BACKUP_RIGHTS = ['CREATE', 'SELECT', 'INSERT', 'DELETE'] as const;

const SCRATCH_RIGHTS = ['CREATE', 'DROP', 'ALTER', 'INDEX', 'REFERENCES', 'SELECT', 'INSERT'] as const;

/** The rights to run DDL of the source again on empty copies. Without them the log has gaps where DDL follows DDL. */
export function checkScratchRights(grants: Grants, ledger: string, out: Collector): void {
  const lacking = SCRATCH_RIGHTS.filter((privilege) => !grants.onSchema(privilege, `${scratchPrefix(ledger, 1)}1`));
  const pattern = quoteName(`${ledger}_scratch_`.replace(/[\\_%]/g, '\\$&').concat('%'));
  out.test(lacking.length > 0, {
    code: 'RIGHTS_SCRATCH', severity: 'warning', on: 'backup',
    found: lacking.length > 0 ? `${grants.account} lacks ${lacking.join(', ')} on ${pattern}` : `${grants.account} has ${SCRATCH_RIGHTS.join(', ')} on ${pattern}`,
    why: 'There DDL of the source is run again on empty copies, to know the columns of rows between two DDLs; otherwise these rows may become gaps.',
    mend: { sql: [`GRANT ${SCRATCH_RIGHTS.join(', ')} ON ${pattern}.* TO ${grants.account};`] },
  });
}

/**
 * The rights of the account that writes the log.
 * @param prefix what the names of the goInception databases start with (`127_0_0_1_3306_`); null without projection.
 */
export function checkBackupRights(grants: Grants, ledger: string, prefix: string | null, out: Collector): void {
  const missing = LEDGER_RIGHTS.filter((privilege) => !grants.onSchema(privilege, ledger));
  out.test(missing.length > 0, {
    code: 'RIGHTS_LEDGER', severity: 'fault', on: 'backup',
    found: missing.length > 0 ? `${grants.account} lacks ${missing.join(', ')} on ${quoteName(ledger)}` : `${grants.account} has ${LEDGER_RIGHTS.join(', ')} on ${quoteName(ledger)}`,
    why: 'The ledger is created, read and written there.',
    mend: { sql: [`GRANT ${LEDGER_RIGHTS.join(', ')} ON ${grantPattern(ledger)}.* TO ${grants.account};`] },
  });
  if (prefix === null) return;
  const pattern = quoteName(`${prefix.replace(/[\\_%]/g, '\\$&')}%`);
  // Any schema behind the prefix will do: the databases are made when their first table is seen.
  const lacking = BACKUP_RIGHTS.filter((privilege) => !grants.onSchema(privilege, `${prefix}any`));
  out.test(lacking.length > 0, {
    code: 'RIGHTS_BACKUP', severity: 'fault', on: 'backup',
    found: lacking.length > 0 ? `${grants.account} lacks ${lacking.join(', ')} on ${pattern}` : `${grants.account} has ${BACKUP_RIGHTS.join(', ')} on ${pattern}`,
    why: 'The goInception databases, one for each source database, are created and written there.',
    mend: { sql: [`GRANT ${BACKUP_RIGHTS.join(', ')} ON ${pattern}.* TO ${grants.account};`] },
  });
}
