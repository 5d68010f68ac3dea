import type { Connection } from 'mysql2/promise';
import type { RunningServer } from '../../deploy/provision/index.ts';
import { until } from '../../test/support/until.ts';
import type { Stretch } from './workload.ts';

type Status = Record<string, string | number>;

/**
 * A native replica with its default workers that has fetched a stretch of the source's binlog and applies it when told.
 * The tables must be there already, and be as they were where the stretch begins.
 */
export class NativeReplica {
  readonly #db: Connection;
  readonly #mysql: boolean;

  constructor(db: Connection, server: RunningServer) {
    this.#db = db;
    this.#mysql = server.flavour === 'mysql';
  }

  /** Forgets what it applied before and fetches the stretch into its relay log. */
  async fetch(source: RunningServer, { from, to }: Stretch): Promise<void> {
    await this.forget();
    const login = { host: source.host, port: source.port, user: source.user, password: source.password };
    await this.#db.query(this.#mysql
      ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST='${login.host}', SOURCE_PORT=${login.port}, SOURCE_USER='${login.user}', SOURCE_PASSWORD='${login.password}',
         SOURCE_LOG_FILE='${from.file}', SOURCE_LOG_POS=${from.offset}, SOURCE_AUTO_POSITION=0, GET_SOURCE_PUBLIC_KEY=1`
      : `CHANGE MASTER TO MASTER_HOST='${login.host}', MASTER_PORT=${login.port}, MASTER_USER='${login.user}', MASTER_PASSWORD='${login.password}',
         MASTER_LOG_FILE='${from.file}', MASTER_LOG_POS=${from.offset}, MASTER_USE_GTID=no`);
    await this.#db.query(this.#mysql ? 'START REPLICA IO_THREAD' : 'START SLAVE IO_THREAD');
    await until('the replica has fetched the stretch', async () => {
      const status = await this.#status();
      const file = String(status.Source_Log_File ?? status.Master_Log_File);
      return file > to.file || (file === to.file && Number(status.Read_Source_Log_Pos ?? status.Read_Master_Log_Pos) >= to.offset);
    });
  }

  /** Then it forgets its source: it would go on with what comes after. @returns seconds until all of the stretch is applied. */
  async apply({ to, gtids }: Stretch): Promise<number> {
    const since = performance.now();
    await this.#db.query(this.#mysql ? 'START REPLICA SQL_THREAD' : 'START SLAVE SQL_THREAD');
    // Parallel workers move the reported position only now and then: MySQL is asked for the transactions themselves.
    const [rows] = await this.#db.query(this.#mysql ? `SELECT WAIT_FOR_EXECUTED_GTID_SET('${gtids}', 900) AS late` : `SELECT MASTER_POS_WAIT('${to.file}', ${to.offset}, 900) < 0 AS late`);
    const seconds = (performance.now() - since) / 1000;
    if ((rows as { late: number | null }[])[0]!.late !== 0) throw new Error(`the replica stopped: ${JSON.stringify(await this.#status())}`);
    await this.forget();
    return seconds;
  }

  async forget(): Promise<void> {
    for (const sql of this.#mysql ? ['STOP REPLICA', 'RESET REPLICA ALL', 'RESET BINARY LOGS AND GTIDS'] : ['STOP SLAVE', 'RESET SLAVE ALL', "SET GLOBAL gtid_slave_pos = ''"]) {
      await this.#db.query(sql);
    }
  }

  async #status(): Promise<Status> {
    const [rows] = await this.#db.query(this.#mysql ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS');
    return (rows as Status[])[0] ?? {};
  }
}
