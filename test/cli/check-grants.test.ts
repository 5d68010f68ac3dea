import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { grantPattern, parseGrants } from '../../src/cli/check/grants.ts';

describe('SHOW GRANTS', () => {
  it('is read in the form of MySQL, partial revokes included', () => {
    const grants = parseGrants([
      'GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `u`@`%`',
      'GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `u`@`%`',
      'REVOKE SELECT ON `hidden`.* FROM `u`@`%`',
      'GRANT `r1`@`%` TO `u`@`%`',
    ], "'u'@'%'");
    assert.ok(grants.everywhere('REPLICATION SLAVE'));
    assert.ok(grants.everywhere('REPLICATION CLIENT'));
    assert.ok(grants.onSchema('SELECT', 'shop'));
    assert.ok(!grants.onSchema('SELECT', 'hidden'));
    assert.ok(!grants.everywhere('PROCESS'));
  });

  it('is read in the form of MariaDB, with its own names of privileges', () => {
    const grants = parseGrants([
      "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*B69027D44F6E5EDC07F1AEAD1477967B16F28227'",
      'GRANT ALL PRIVILEGES ON `app`.* TO `u`@`%` WITH GRANT OPTION',
      'GRANT USAGE ON *.* TO `r1`',
      'SET DEFAULT ROLE `r1` FOR `u`@`%`',
    ], "'u'@'%'");
    assert.ok(grants.everywhere('REPLICATION CLIENT'));
    assert.ok(grants.everywhere('BINLOG MONITOR'));
    assert.ok(grants.onSchema('CREATE', 'app'));
    assert.ok(!grants.everywhere('SELECT'));
    assert.ok(grants.anywhere('SELECT'));
  });

  it('knows wildcards from escaped characters in schema names', () => {
    const grants = parseGrants(['GRANT CREATE ON `a\\_b%`.* TO `u`@`%`', 'GRANT INSERT ON `x_y`.* TO `u`@`%`', 'GRANT SELECT ON `odd``name.(1)`.* TO `u`@`%`'], '');
    assert.ok(grants.onSchema('CREATE', 'a_b_anything'));
    assert.ok(!grants.onSchema('CREATE', 'aXb_anything'));
    assert.ok(grants.onSchema('INSERT', 'xZy'));
    assert.ok(grants.onSchema('SELECT', 'odd`name.(1)'));
    assert.equal(grantPattern('a_b%'), '`a\\_b\\%`');
  });

  it('does not take a right on a table or on columns for one on the schema', () => {
    const grants = parseGrants(['GRANT SELECT ON `s`.`t` TO `u`@`%`', 'GRANT SELECT (`a`, `b`), INSERT (`a`), DELETE ON `s`.* TO `u`@`%`'], '');
    assert.ok(!grants.onSchema('SELECT', 's'));
    assert.ok(!grants.onSchema('INSERT', 's'));
    assert.ok(grants.onSchema('DELETE', 's'));
    assert.ok(grants.anywhere('SELECT'));
  });
});
