import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseStatusVars, type StatusVars } from '../../src/binlog/status-vars.ts';

function parse(hex: string, flavour: 'mysql' | 'mariadb'): StatusVars {
  // Bytes around the range must not matter.
  const bytes = Buffer.concat([Buffer.from('0102', 'hex'), Buffer.from(hex, 'hex'), Buffer.from('ffff', 'hex')]);
  return parseStatusVars(bytes, 2, bytes.length - 2, flavour);
}

function told(vars: StatusVars): Partial<StatusVars> {
  return Object.fromEntries(Object.entries(vars).filter(([, value]) => value !== null));
}

const MYSQL_TRIGGER = '0000000000010000000000000000060373746403030001000408000800ff000704000b04726f6f74093132372e302e302e310c0174000d40e201111c0000000000000012ff00';

// Byte strings as the servers named wrote them.
describe('parseStatusVars', () => {
  it('reads MySQL 9.7', () => {
    assert.deepEqual(told(parse(MYSQL_TRIGGER, 'mysql')), {
      sqlMode: 0, flags2: 0, autoIncrementIncrement: 3, autoIncrementOffset: 1, clientCharset: 8, connectionCollation: 8, serverCollation: 255, lcTimeNames: 4,
      invoker: { user: 'root', host: '127.0.0.1' }, updatedSchemas: ['t'], microseconds: 123456, ddlXid: 28n, defaultUtf8mb4Collation: 255, complete: true,
    });
    const ddl = parse('0000000000012000a04500000000060373746404ff00ff00ff000c017400110c0000000000000012ff001301', 'mysql');
    assert.deepEqual([ddl.sqlMode, ddl.ddlXid, ddl.sqlRequirePrimaryKey, ddl.complete], [1168113696, 12n, true, true]);
    assert.equal(parse('0c01782e7900113f0000000000000012ff001400', 'mysql').defaultTableEncryption, false);
    assert.equal(parse('05062b30333a30300704000c016d7973716c00', 'mysql').timeZone, '+03:00');
    const timestamp = parse('0000000000010400100000000000060373746403030001000408000800ff000704000c017400100111170000000000000012ff001300', 'mysql');
    assert.deepEqual([timestamp.explicitDefaultsForTimestamp, timestamp.sqlMode, timestamp.complete], [true, 0x100004, true]);
    assert.equal(parse('12ff001500', 'mysql').complete, true);
    assert.deepEqual([parse('0cfe12ff00', 'mysql').updatedSchemas, parse('0cfe12ff00', 'mysql').defaultUtf8mb4Collation], [null, 255]);
    assert.deepEqual(parse('0c0274006d7973716c00', 'mysql').updatedSchemas, ['t', 'mysql']);
  });

  it('reads MariaDB 11.8', () => {
    assert.deepEqual(told(parse('000000000101040010000000000006037374640303000100040800080000090704000b04726f6f74093132372e302e302e318040e201814a00000000000000', 'mariadb')), {
      sqlMode: 0x100004, flags2: 0x1000000, autoIncrementIncrement: 3, autoIncrementOffset: 1, clientCharset: 8, connectionCollation: 8, serverCollation: 2304, lcTimeNames: 4,
      invoker: { user: 'root', host: '127.0.0.1' }, microseconds: 123456, ddlXid: 74n, complete: true,
    });
    const collations = parse('00000000010100002054000000000603737464830208002f002d002d0004000900090009815b00000000000000', 'mariadb');
    assert.deepEqual([collations.characterSetCollations, collations.clientCharset, collations.ddlXid, collations.complete], [[[8, 47], [45, 45]], 2304, 91n, true]);
    assert.deepEqual(['8202', '82040300000000000000', '82082700000000000000'].map((hex) => [parse(hex, 'mariadb').alterFlags, parse(hex, 'mariadb').complete]), [[2, true], [4, true], [8, true]]);
  });

  it('stops at a code of a later release and keeps what it has', () => {
    const vars = parse('012000a04500000000' + '63' + '12ff00', 'mysql');
    assert.deepEqual([vars.sqlMode, vars.defaultUtf8mb4Collation, vars.complete], [1168113696, null, false]);
    assert.equal(parse('8040e201', 'mysql').complete, false);
    assert.equal(parse('12ff00', 'mariadb').complete, false);
  });

  it('says so when it is cut short', () => {
    const cut = parse(MYSQL_TRIGGER.slice(0, -2), 'mysql');
    assert.deepEqual([cut.ddlXid, cut.defaultUtf8mb4Collation, cut.complete], [28n, null, false]);
    assert.equal(parse('0c0174', 'mysql').complete, false);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('mysql', 'mariadb'), (bytes, flavour) => {
        assert.equal(typeof parseStatusVars(Buffer.from(bytes), 0, bytes.length, flavour).complete, 'boolean');
        // A length beyond the buffer is cut to it.
        assert.deepEqual(parseStatusVars(Buffer.from(bytes), 0, bytes.length + 9, flavour), parseStatusVars(Buffer.from(bytes), 0, bytes.length, flavour));
      }),
      { numRuns: 1000 },
    );
  });
});
