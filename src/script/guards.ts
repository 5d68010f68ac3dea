import { createHash } from 'node:crypto';
import { quoteTable, quoteText } from '../core/identifiers.ts';
import { orphanCheck, type ForeignKey } from './foreign-keys.ts';
import type { Plan } from './plan.ts';
import { inSections } from './sections.ts';

/*
 * Checks in plain SQL that every stock client runs, also with --force (each measured on MySQL 9.7, MariaDB 11.8 and 10.11):
 * a condition that fails PREPAREs a SELECT of an unknown column whose name is the message (error 1054). Before the first
 * change the session is also made read-only, so that a client that goes on changes nothing (error 1792), tables that
 * cannot roll back included. Messages are at most 64 characters: they are identifiers.
 */
export function stopUnless(condition: string, message: string): string[] {
  return [`SET @s=IF(${condition},'DO 0','SELECT \`binlog-undo: ${message}\`');`, 'PREPARE p FROM @s;', 'EXECUTE p;'];
}

const NOT_THE_SOURCE = 'this server is not the source nor its successor';

/** One script of ours at a time on each database of a server: the names of the locks, as SQL. Names of locks have 64 characters at most. */
function lockNames({ tables, ddl }: Plan): string[] {
  return [...new Set([...tables, ...ddl.map(({ operation }) => operation)].map(({ schema }) => schema))].map((schema) => {
    const plain = `binlog-undo:${schema}`;
    return quoteText(plain.length <= 64 ? plain : `binlog-undo:${createHash('sha256').update(schema).digest('hex').slice(0, 32)}`);
  });
}

/** Other scripts may have the databases now. */
export function releaseLocks(plan: Plan): string {
  return `DO ${lockNames(plan).map((name) => `RELEASE_LOCK(${name})`).join(',')};`;
}

/** The first change of the transaction: with `once_table` the note that this script was applied, which two runs cannot both leave. */
export function onceNote(plan: Plan): string[] {
  const { onceTable } = plan.options;
  if (onceTable === null) return ['SET @once=1;'];
  return ['SET @once=0;', `INSERT INTO ${quoteTable(onceTable.schema, onceTable.table)} (script) VALUES (${quoteText(plan.id)});`, 'SET @once=ROW_COUNT();'];
}

/** The same for a script whose first part is one that nothing can roll back. */
export function sectionNote(plan: Plan): string {
  return plan.options.onceTable === null ? '' : `${[...onceNote(plan), 'COMMIT;', 'SET @ok=(@ok AND @once=1);'].join('\n')}\n`;
}

/** Lines that stop the script on a server that is not to be changed. */
export function serverGuards(plan: Plan, asEvents: boolean): string[] {
  const { flavour } = plan.range.source;
  const readOnlySession = readOnlyVariable(flavour);
  const checks: { name: string; lines: string[]; message: string }[] = [
    { name: '@w', lines: ["SET @w=CONCAT(@@GLOBAL.read_only) IN ('0','OFF');"], message: 'this server is read-only' },
  ];
  if (!plan.options.allow.has('replica')) {
    checks.push({
      name: '@r',
      lines: flavour === 'mysql'
        ? ['-- Needs SELECT on performance_schema.replication_connection_configuration, as administrators have it.',
            "SET @r=(SELECT COUNT(*)=0 FROM performance_schema.replication_connection_configuration WHERE CHANNEL_NAME NOT LIKE 'group\\_replication\\_%');"]
        : ["SET @r=(SELECT SUM(VARIABLE_VALUE)=0 FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME='SLAVES_RUNNING');"],
      message: 'this server is a replica',
    });
  }
  const identity = plan.options.target === 'any' ? null : identityCheck(plan);
  if (identity !== null) checks.push({ name: '@i', lines: [`SET @i=(${identity});`], message: NOT_THE_SOURCE });
  const { onceTable } = plan.options;
  // In sections the note of the first part says it, so that the script can go on behind that.
  if (onceTable !== null && !inSections(plan)) {
    checks.push({
      name: '@a', lines: [`SET @a=(SELECT COUNT(*)=0 FROM ${quoteTable(onceTable.schema, onceTable.table)} WHERE script=${quoteText(plan.id)});`],
      message: 'this script has been applied already',
    });
  }
  // MariaDB may be set to fire triggers for row events, or to pass over rows that are not as they should be.
  if (asEvents && flavour === 'mariadb') {
    checks.push({ name: '@e', lines: ["SET @e=(@@GLOBAL.slave_run_triggers_for_rbr='NO' AND @@GLOBAL.slave_exec_mode='STRICT');"], message: 'row events fire triggers or pass over rows here' });
  }
  // The session has it until its end; nothing is waited for.
  checks.push({
    name: '@l', lines: [`SET @l=(${lockNames(plan).map((name) => `IFNULL(GET_LOCK(${name},0),0)`).join(' AND ')});`], message: 'another script of binlog-undo runs here',
  });
  const names = checks.map(({ name }) => name);
  return [
    // Nothing that an earlier script left in this session may count.
    `SET ${names.map((name) => `${name}=0`).join(', ')};`,
    ...checks.flatMap(({ lines }) => lines),
    `SET SESSION ${readOnlySession}=IF(${names.join(' AND ')},0,1);`,
    ...checks.flatMap(({ name, message }) => stopUnless(name, message)),
  ];
}

/** Lines that stop a script which changes nothing on a server that is neither the source nor its successor, as far as that is asked for. */
export function demandIdentity(plan: Plan): string[] {
  const identity = plan.options.target === 'any' ? null : identityCheck(plan);
  return identity === null ? [] : [`SET @i=(${identity});`, ...stopUnless('@i', NOT_THE_SOURCE)];
}

/** The source itself, or a server that has executed the newest transaction to be undone. */
function identityCheck(plan: Plan): string | null {
  const { range, newest } = plan;
  const gtid = newest?.gtid ?? null;
  if (range.source.flavour === 'mysql') {
    const alternatives = [
      ...(range.serverUuid === null ? [] : [`@@GLOBAL.server_uuid=${quoteText(range.serverUuid)}`]),
      ...(gtid === null ? [] : [`GTID_SUBSET(${quoteText(gtid)},@@GLOBAL.gtid_executed)`]),
    ];
    return alternatives.length === 0 ? null : alternatives.join(' OR ');
  }
  const [, domain, server, sequence] = /^(\d+)-(\d+)-(\d+)$/.exec(gtid ?? '') ?? [];
  if (domain === undefined || server === undefined || sequence === undefined) return `@@GLOBAL.server_id=${range.serverId}`;
  // MariaDB servers have no uuid: the binlog state names, per domain and server, the last transaction that passed through here.
  const pair = `${domain}-${server}-`;
  const state = "CONCAT(',',REPLACE(@@GLOBAL.gtid_binlog_state,' ',''),',')";
  return `LOCATE(',${pair}',${state})>0 AND CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(${state},',${pair}',-1),',',1) AS UNSIGNED)>=${sequence}`;
}

/** The same for one part of several: none is committed behind one that was not. */
export function conditionalPartCommit(part: number, expected: number, keys: readonly ForeignKey[], flavour: 'mysql' | 'mariadb'): string[] {
  return [
    'SET @o=0;',
    ...keys.map(orphanCheck),
    `SET @ok=(@ok AND @n=${expected} AND @once=1 AND @o=0);`,
    `SET @s=IF(@ok,'COMMIT','SELECT \`binlog-undo: part ${part} and what follows are not committed\`');`,
    'PREPARE p FROM @s;',
    'EXECUTE p;',
    `SELECT IF(@ok,'binlog-undo: part ${part} committed, ${expected} rows undone','binlog-undo: part ${part} is not committed') AS result;`,
    'ROLLBACK;',
    // A client that goes on after an error finds what follows closed.
    `SET SESSION ${readOnlyVariable(flavour)}=IF(@ok,0,1);`,
  ];
}

/** In place of a script that begins behind its last part. */
export function noSuchPart(last: number): string[] {
  return [`SET @s='SELECT \`binlog-undo: there are ${last} parts only, nothing is left\`';`, 'PREPARE p FROM @s;', 'EXECUTE p;', 'ROLLBACK;'];
}

export const readOnlyVariable = (flavour: 'mysql' | 'mariadb'): string => (flavour === 'mysql' ? 'transaction_read_only' : 'tx_read_only');

/**
 * Commits when exactly the expected number of rows was undone and no foreign key dangles.
 * @param keys foreign keys to look at, since their checks were off for some statements.
 */
export function conditionalCommit(expected: number, keys: readonly ForeignKey[]): string[] {
  const orphans = 'a foreign key would point nowhere, nothing is committed';
  return [
    'SET @o=0;',
    ...keys.map(orphanCheck),
    `SET @s=IF(@n=${expected} AND @once=1,IF(@o=0,'COMMIT','SELECT \`binlog-undo: ${orphans}\`'),'SELECT \`binlog-undo: rows have changed since, nothing is committed\`');`,
    'PREPARE p FROM @s;',
    'EXECUTE p;',
    `SELECT IF(@n=${expected} AND @once=1 AND @o=0,'binlog-undo: committed, ${expected} rows undone','binlog-undo: nothing is committed') AS result;`,
    // In a client that went on after an error the transaction is still open.
    'ROLLBACK;',
  ];
}
