import assert from 'node:assert/strict';
import { it } from 'node:test';
import { identifyService, mendOn } from '../../src/cli/check/managed.ts';
import { Collector } from '../../src/cli/check/report.ts';

const service = (host: string, version = '8.0.40', variables: Record<string, string> = {}): string | undefined =>
  identifyService(host, version, new Map(Object.entries(variables)))?.name;

it('services are told by their variables, their version or the name of the host', () => {
  assert.equal(service('10.0.0.5', '8.0.39', { basedir: '/rdsdbbin/mysql-8.0.39.R1/' }), 'Amazon RDS');
  assert.equal(service('shop.abc123.eu-central-1.rds.amazonaws.com'), 'Amazon RDS');
  assert.equal(service('10.0.0.5', '8.0.32', { aurora_version: '3.05.2', basedir: '/rdsdbbin/x' }), 'Amazon Aurora');
  assert.equal(service('shop.cluster-abc123.eu-central-1.rds.amazonaws.com'), 'Amazon Aurora');
  assert.equal(service('10.0.0.5', '8.0.31-google'), 'Google Cloud SQL');
  assert.equal(service('shop.mysql.database.azure.com'), 'Azure Database for MySQL');
  assert.equal(service('rds.example.com', '9.7.4', { basedir: '/usr/' }), undefined);
});

it('the way out is the step that works there, never a statement that is refused or a file that is not there', () => {
  const rds = identifyService('x.y.z.rds.amazonaws.com', '8.0.40', new Map())!;
  const out = new Collector();
  const add = (code: string, mend: { sql?: string[]; cnf?: string[]; text?: string }): void => out.add({ code, severity: 'fault', on: 'source', found: '', why: '', mend });
  add('IMAGE', { sql: ["SET PERSIST binlog_row_image = 'FULL';"], text: 'Sessions keep the old value.' });
  add('LOG_BIN', { cnf: ['log_bin = binlog', 'server_id = 1'], text: 'Restart the source after the change.' });
  add('EXPIRY', { sql: ['SET PERSIST binlog_expire_logs_seconds = 604800;'] });
  add('RIGHT', { sql: ["GRANT SELECT ON *.* TO 'u'@'%';"] });
  out.add({ code: 'OTHER', severity: 'fault', on: 'backup', found: '', why: '', mend: { sql: ['SET GLOBAL read_only = OFF;'] } });
  out.adapt('source', (finding) => mendOn(rds, finding));
  const [image, logBin, expiry, right, other] = out.report(null, null).findings.map(({ mend }) => mend);
  assert.deepEqual([image!.sql, image!.cnf], [[], []]);
  assert.match(image!.text!, /^On Amazon RDS: binlog_row_image = FULL: set it in the parameter group.*\. Sessions keep the old value\.$/);
  assert.deepEqual([logBin!.cnf, logBin!.text], [[], 'On Amazon RDS: turn on automated backups: with a retention of 0 days RDS writes no binlog.']);
  assert.match(expiry!.text!, /rds_set_configuration\('binlog retention hours', 168\)/);
  assert.deepEqual(right!.sql, ["GRANT SELECT ON *.* TO 'u'@'%';"]);
  assert.deepEqual(other!.sql, ['SET GLOBAL read_only = OFF;']);
});
