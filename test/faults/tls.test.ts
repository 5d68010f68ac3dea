import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeCertificates, startServer, type ServerKind } from '../../deploy/provision/index.ts';
import { World } from './support/world.ts';

const KINDS: readonly ServerKind[] = ['mysql-9.7', 'mariadb-11.8'];

for (const kind of KINDS) {
  test(`${kind}: source and backup server over verified TLS; an unknown authority is refused`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'binlog-undo-tls-'));
    try {
      const ours = await makeCertificates(folder, 'ours');
      const strange = await makeCertificates(folder, 'strange');
      const args = [`--ssl-ca=${ours.ca}`, `--ssl-cert=${ours.cert}`, `--ssl-key=${ours.key}`];
      await using server = await startServer(kind, { bufferPoolMiB: 32, args });
      await using backup = await startServer(kind, { bufferPoolMiB: 32, args });
      await using world = await World.open(server, backup, 'CREATE TABLE t (id INT PRIMARY KEY)');
      const tls = (role: string, ca: string): Record<string, string> => ({ [`BINLOG_UNDO_${role}_TLS_ENABLED`]: 'true', [`BINLOG_UNDO_${role}_TLS_CA`]: ca });
      const client = { BINLOG_UNDO_SOURCE_TLS_CERT: ours.cert, BINLOG_UNDO_SOURCE_TLS_KEY: ours.key };
      const daemon = await world.start({ ...tls('SOURCE', ours.ca), ...tls('BACKUP', ours.ca), ...client });
      await world.sql('INSERT INTO t VALUES (1)');
      await world.caughtUp();
      // Not one of our connections is in the clear.
      const [plain] = server.flavour === 'mysql'
        ? await world.ledgerRows("SELECT COUNT(*) AS n FROM performance_schema.threads WHERE processlist_user = 'admin' AND processlist_id <> CONNECTION_ID() AND connection_type <> 'SSL/TLS'")
        : [{ n: 0 }];
      assert.equal(Number(plain?.n), 0);
      await daemon.stop();
      assert.equal((await world.operations()).length, 1);
      for (const role of ['SOURCE', 'BACKUP']) {
        const { status, said } = await world.startFails({ ...tls('SOURCE', ours.ca), ...tls('BACKUP', ours.ca), ...tls(role, strange.ca) });
        assert.equal(status, 1);
        assert.match(said, new RegExp(`${role}_UNREACHABLE.*BINLOG_UNDO_${role}_TLS_CA`));
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
