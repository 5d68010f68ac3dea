import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCOUNT_SQL } from './accounts.ts';
import type { Prefix } from './debian-prefix.ts';
import { execOk } from './exec.ts';
import { REDO_SIZE, type FlavourRecipe } from './flavour.ts';
import { loaderCommand } from './loader.ts';
import { timeZoneSql } from './time-zones.ts';

const PROGRAM = 'usr/sbin/mariadbd';
const SYSTEM_SQL = ['system_tables', 'performance_tables', 'system_tables_data', 'sys_schema'];

export const mariadb: FlavourRecipe = {
  program: PROGRAM,
  identityFiles: [],
  baseArgs(prefix) {
    const share = shareFolder(prefix);
    return [
      `--basedir=${join(prefix.root, 'usr')}`,
      `--lc-messages-dir=${share}`,
      `--character-sets-dir=${join(share, 'charsets')}`,
      `--plugin-dir=${pluginFolder(prefix)}`,
      `--innodb-log-file-size=${REDO_SIZE}`,
    ];
  },
  serverArgs: ({ gtid, logBin }) => [...(gtid ? ['--gtid-strict-mode=ON'] : []), ...(logBin ? ['--binlog-annotate-row-events=ON'] : [])],
  async initialise(prefix, dataDir, extraArgs) {
    const args = ['--no-defaults', '--bootstrap', `--datadir=${dataDir}`, '--skip-log-bin', '--enforce-storage-engine=', '--max-allowed-packet=8M', ...mariadb.baseArgs(prefix), ...extraArgs];
    const [command, loaderArgs] = loaderCommand(prefix.root, PROGRAM, args);
    await execOk(command, loaderArgs, { input: await bootstrapSql(prefix) });
  },
};

/** 11.x renamed the folders and the files in them. */
function shareFolder(prefix: Prefix): string {
  const renamed = join(prefix.root, 'usr/share/mariadb');
  return existsSync(join(renamed, 'charsets')) ? renamed : join(prefix.root, 'usr/share/mysql');
}

function pluginFolder(prefix: Prefix): string {
  const renamed = join(prefix.root, 'usr/lib/mariadb/plugin');
  return existsSync(renamed) ? renamed : join(prefix.root, 'usr/lib/mysql/plugin');
}

/** What mariadb-install-db feeds to the server; that script itself wants the host's tools and layout. */
async function bootstrapSql(prefix: Prefix): Promise<string> {
  const share = shareFolder(prefix);
  const names = existsSync(join(share, 'mariadb_system_tables.sql')) ? 'mariadb' : 'mysql';
  const parts = ['CREATE DATABASE mysql;', 'USE mysql;', 'SET @skip_auth_anonymous=1;', 'SET @auth_root_socket=NULL;'];
  for (const file of [...SYSTEM_SQL.map((part) => `${names}_${part}.sql`), 'maria_add_gis_sp_bootstrap.sql']) {
    const path = join(share, file);
    if (existsSync(path)) parts.push(withoutHostname(await readFile(path, 'utf8')));
  }
  // Bootstrap runs without grant tables until they are loaded.
  parts.push('FLUSH PRIVILEGES;', ...ACCOUNT_SQL, 'USE mysql;', ...(await timeZoneSql(prefix)), '');
  return parts.join('\n');
}

/** The lines that would make accounts for the machine's own name. */
function withoutHostname(sql: string): string {
  return sql.split('\n').filter((line) => !line.includes('@current_hostname')).join('\n');
}
