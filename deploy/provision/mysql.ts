import { rm, writeFile } from 'node:fs/promises';
import { ACCOUNT_SQL } from './accounts.ts';
import { execOk } from './exec.ts';
import { REDO_SIZE, type FlavourRecipe } from './flavour.ts';
import { loaderCommand } from './loader.ts';
import { timeZoneSql } from './time-zones.ts';

const PROGRAM = 'usr/sbin/mysqld';

export const mysql: FlavourRecipe = {
  program: PROGRAM,
  // server_uuid: two servers with the same one cannot replicate from each other.
  identityFiles: ['auto.cnf'],
  // The X plugin would open port 33060 on every instance.
  baseArgs: () => ['--mysqlx=OFF', `--innodb-redo-log-capacity=${REDO_SIZE}`, '--secure-file-priv='],
  serverArgs: ({ gtid, logBin }) => [
    ...(gtid ? ['--gtid-mode=ON', '--enforce-gtid-consistency=ON'] : ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF']),
    ...(logBin ? ['--binlog-rows-query-log-events=ON'] : []),
  ],
  async initialise(prefix, dataDir, extraArgs) {
    const initFile = `${dataDir}.sql`;
    const zones = await timeZoneSql(prefix);
    // CREATE USER and GRANT are part of --initialize's own session: nothing of this reaches a binlog.
    await writeFile(initFile, [...ACCOUNT_SQL, 'USE mysql;', ...zones, ''].join('\n'));
    try {
      const args = ['--no-defaults', '--initialize-insecure', `--datadir=${dataDir}`, `--init-file=${initFile}`, '--skip-log-bin', ...mysql.baseArgs(prefix), ...extraArgs];
      const [command, loaderArgs] = loaderCommand(prefix.root, PROGRAM, args);
      await execOk(command, loaderArgs);
    } finally {
      await rm(initFile, { force: true });
    }
  },
};
