import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Collector, type CheckReport } from '../../src/cli/check/report.ts';
import { checkBackupState, checkClock, checkPair, checkSourceState } from '../../src/cli/check/server-state.ts';
import { checkSourceSettings } from '../../src/cli/check/source-settings.ts';
import type { ServerCapabilities } from '../../src/core/server.ts';

/** What a well set up MySQL 9.7 tells, for states that no test server can be brought into. */
const HEALTHY: ServerCapabilities = {
  flavour: 'mysql', version: { major: 9, minor: 7, patch: 4, raw: '9.7.4' }, support: { level: 'tested', reason: '' },
  serverUuid: 'd184e58f-e52e-11f1-bb8f-02fc00000001', serverId: 1, gtidDomainId: null, gtid: 'mysql-on', exactFromUnixtime: false, threadIdFrom: 'begin',
  statements: { binlogStatus: 'SHOW BINARY LOG STATUS', replicas: 'SHOW REPLICAS', replicaStatus: 'SHOW REPLICA STATUS', preparedXa: 'XA RECOVER CONVERT XID' },
  variables: {
    rowMetadata: 'binlog_row_metadata', rowsQuery: 'binlog_rows_query_log_events', logReplicaUpdates: 'log_replica_updates',
    expiry: 'binlog_expire_logs_seconds',
  },
  logBin: true, binlogFormat: 'ROW', rowImage: 'FULL', rowMetadata: 'FULL', rowValueOptions: '', rowsQuery: true,
  checksum: 'CRC32', expirySeconds: null, logReplicaUpdates: true, lowerCaseTableNames: 0, maxAllowedPacket: 64 << 20, readOnly: false,
  superReadOnly: false, isReplica: false, globalSqlMode: '', timeZone: 'UTC', clockOffset: 0, clockUncertainty: 1,
};

function found(test: (out: Collector) => void): [string, string][] {
  const out = new Collector();
  test(out);
  const report: CheckReport = out.report(null, null);
  return report.findings.map((finding) => [finding.code, finding.severity]);
}

const source = (change: Partial<ServerCapabilities>) => found((out) => {
  checkSourceState({ ...HEALTHY, ...change }, out);
  checkSourceSettings({ ...HEALTHY, ...change }, out);
});
const backup = (change: Partial<ServerCapabilities>) => found((out) => checkBackupState({ ...HEALTHY, ...change }, HEALTHY, out));
const pair = (ours: Partial<ServerCapabilities>, theirs: Partial<ServerCapabilities>) =>
  found((out) => checkPair({ ...HEALTHY, ...ours }, { ...HEALTHY, ...theirs }, false, out));
const clock = (clockOffset: number, clockUncertainty: number) => found((out) => checkClock('source', { ...HEALTHY, clockOffset, clockUncertainty }, out));

describe('what check says about a server', () => {
  it('is nothing when all is well', () => {
    assert.deepEqual([source({}), backup({}), pair({}, {}), clock(0, 1)], [[], [], [], []]);
  });

  it('is a warning for untested versions, and a fault for refused sources', () => {
    assert.deepEqual(source({ support: { level: 'untested', reason: 'x' } }), [['SOURCE_VERSION', 'warning']]);
    assert.deepEqual(source({ support: { level: 'refused', reason: 'x' } }), [['SOURCE_VERSION', 'fault']]);
    assert.deepEqual(backup({ support: { level: 'refused', reason: 'x' } }), [['BACKUP_VERSION', 'warning']]);
  });

  it('depends on what the account may ask', () => {
    assert.deepEqual(source({ isReplica: null, logReplicaUpdates: false }), []);
    assert.deepEqual(backup({ isReplica: null }), [['BACKUP_IS_REPLICA', 'info']]);
    assert.deepEqual(backup({ isReplica: true }), [['BACKUP_IS_REPLICA', 'fault']]);
  });

  it('tells a replica and a read-only source, which can both be read', () => {
    assert.deepEqual(source({ isReplica: true, readOnly: true }), [['SOURCE_IS_REPLICA', 'info'], ['SOURCE_READ_ONLY', 'info']]);
    assert.deepEqual(source({ serverId: 0 }), [['SERVER_ID', 'fault']]);
  });

  it('minds lower_case_table_names where names can meet', () => {
    assert.deepEqual(pair({ lowerCaseTableNames: 0 }, { lowerCaseTableNames: 1 }), [['LOWER_CASE_TABLE_NAMES', 'warning']]);
    assert.deepEqual(pair({ lowerCaseTableNames: 1 }, { lowerCaseTableNames: 0 }), []);
  });

  it('minds a clock more than a second off, not a slow network', () => {
    assert.deepEqual(clock(-1500, 20), [['CLOCK_SOURCE', 'warning']]);
    assert.deepEqual(clock(1500, 900), []);
  });

  it('minds binlog files that are gone within a day', () => {
    assert.deepEqual(source({ expirySeconds: 86_399 }), [['EXPIRY', 'warning']]);
    assert.deepEqual(source({ expirySeconds: 86_400 }), []);
  });
});
