import type { QueryClass, TableName } from '../../src/binlog/sql/classify.ts';

const name = ({ schema, table }: TableName): string => `${schema}|${table}`;

/** A class on one line: kind or type, tables, then what is not at its default. */
export function brief(query: QueryClass): string {
  switch (query.kind) {
    case 'savepoint': case 'rollbackTo': return `${query.kind} ${query.name}`;
    case 'xaStart': case 'xaEnd': case 'xaPrepare': case 'xaCommit': case 'xaRollback':
      return `${query.kind} ${query.xid}${query.onePhase === true ? ' one phase' : ''}`;
    case 'dml': return ['dml', query.verb, ...query.tables.map(name)].join(' ');
    case 'other': return `other ${query.verb}`.trim();
    case 'ddl': {
      const s = query.statement;
      const flags = (['ifExists', 'ifNotExists', 'orReplace', 'temporary', 'startTransaction', 'rowsOutsideLog'] as const).filter((flag) => s[flag]);
      return [
        s.type,
        // A rename tells both tables already.
        ...s.tables.filter((table) => !s.renames.some(({ from, to }) => from === table || to === table)).map(name),
        ...s.renames.map(({ from, to }) => `${name(from)}>${name(to)}`),
        ...(s.name ? [`:${name(s.name)}`] : []), ...(s.database === null ? [] : [`db=${s.database}`]),
        ...(s.likeOrSelect === null ? [] : [s.like ? `like=${name(s.like)}` : s.likeOrSelect]), ...flags, ...(s.certain ? [] : ['DOUBT']),
      ].join(' ');
    }
    case 'begin': case 'commit': case 'rollback': case 'releaseSavepoint': return query.kind;
  }
}

/** Statements that both servers log, and what they mean with default schema `d`. */
export const SHARED: readonly (readonly [sql: string, expected: string])[] = [
  // transactions
  ['BEGIN', 'begin'], ['begin work', 'begin'], ['START TRANSACTION', 'begin'], ['start transaction with consistent snapshot', 'begin'],
  ['/* app */ BEGIN', 'begin'], ['COMMIT', 'commit'], ['commit work and no chain', 'commit'], ['ROLLBACK', 'rollback'], ['rollback work', 'rollback'],
  ['ROLLBACK /* added by mysqlbinlog */', 'rollback'],
  ['SAVEPOINT `s p`', 'savepoint s p'], ['savepoint s1', 'savepoint s1'], ['ROLLBACK TO `s p`', 'rollbackTo s p'], ['ROLLBACK TO SAVEPOINT s1', 'rollbackTo s1'],
  ['rollback work to savepoint `savepoint`', 'rollbackTo savepoint'], ['RELEASE SAVEPOINT s1', 'releaseSavepoint'],
  ["XA START X'6131',X'',1", "xaStart X'6131',X'',1"], ["XA END X'61',X'620063',77", "xaEnd X'61',X'620063',77"], ["xa begin 'a','b',3", "xaStart X'61',X'62',3"],
  ["XA PREPARE x'6A'", "xaPrepare X'6a',X'',1"], ["XA COMMIT 'a' ONE PHASE", "xaCommit X'61',X'',1 one phase"], ["XA COMMIT X'61',X'62',3", "xaCommit X'61',X'62',3"],
  ["XA ROLLBACK 0x6162, 'c' , 2", "xaRollback X'6162',X'63',2"], ['XA RECOVER', 'other XA RECOVER'], ['XA WHATEVER', 'dml XA'],
  // CREATE TABLE
  ['create table a(id int primary key, v int)', 'CREATETABLE d|a'], ['CREATE TABLE IF NOT EXISTS s.a (x int)', 'CREATETABLE s|a ifNotExists'],
  ['create table `s` . `a b`(x int)', 'CREATETABLE s|a b'], ['create table s /* c */ . -- x\n a (x int)', 'CREATETABLE s|a'], 
  ['CREATE TEMPORARY TABLE tt (a int)', 'CREATETABLE d|tt temporary'], ['create table a like b', 'CREATETABLE d|a like=d|b'], ['create table a like s.b', 'CREATETABLE d|a like=s|b'],
  ['create table x.a (like s . `b`)', 'CREATETABLE x|a like=s|b'], ['create table a as select * from b', 'CREATETABLE d|a select'], ['create table a select 1', 'CREATETABLE d|a select'],
  ['create table a (select 1)', 'CREATETABLE d|a select'], ['create table a as (select 1)', 'CREATETABLE d|a select'], ['create table a (x int) engine=innodb as select 1 x', 'CREATETABLE d|a select'],
  ['create table a ((select 1) union (select 2))', 'CREATETABLE d|a select'], ['create table a (x int) ignore select 1 x', 'CREATETABLE d|a select'],
  ['create table a as with c as (select 1 x) select * from c', 'CREATETABLE d|a select'], ['create table a with c as (select 1 x) select * from c', 'CREATETABLE d|a select'],
  ["create table a (x enum('select','like') default 'select') comment='as select'", 'CREATETABLE d|a'],
  ['create table a (x int) partition by range(x) (partition p0 values less than (10), partition p1 values in (1))', 'CREATETABLE d|a'],
  ["create table a (x varchar(9) default 'it''s \\' );' , y int)", 'CREATETABLE d|a'], ['create table a (x int, index (x) ) union=(b,c)', 'CREATETABLE d|a'],
  ['create table `we``ird` (x int)', 'CREATETABLE d|we`ird'], ['create table `a.b`.`c\nd` (x int)', 'CREATETABLE a.b|c\nd'], ['create table `сч\u00e9t\u{1f600}` (x int)', 'CREATETABLE d|сч\u00e9t\u{1f600}'],
  ['create table сч\u00e9t (x int)', 'CREATETABLE d|сч\u00e9t'], ['create table 2a$ (x int)', 'CREATETABLE d|2a$'], ['create table s.1st (x int)', 'CREATETABLE s|1st'],
  ['create table `if` (x int)', 'CREATETABLE d|if'], ['create table `select` (`like` int)', 'CREATETABLE d|select'], ["create table `it's` (x int)", "CREATETABLE d|it's"],
  ['create table a(x int) -- tail', 'CREATETABLE d|a'], ['create table a(x int) # tail', 'CREATETABLE d|a'], ['create table a(x int);', 'CREATETABLE d|a'],
  ['create table a(x int); drop table b', 'CREATETABLE d|a DOUBT'], ['create table a(x int', 'CREATETABLE d|a DOUBT'], ['create table a(x int))', 'CREATETABLE d|a DOUBT'],
  ["create table a(x int comment 'open)", 'CREATETABLE d|a DOUBT'], ['create table a(x int) /* open', 'CREATETABLE d|a DOUBT'], ['create table `a', 'CREATETABLE DOUBT'], ['create table', 'CREATETABLE DOUBT'],
  ['create /*!50100 temporary */ table a(x int)', 'CREATETABLE d|a temporary'], ['create table a(x int) /*!50100 partition by hash(x) */', 'CREATETABLE d|a'],
  ['/*!40101 create table a(x int) */', 'CREATETABLE d|a'], ['create table a(x int) /*!999999 binlog-undo:abc */', 'CREATETABLE d|a'],
  ['create table a(x int) /* 999999 binlog-undo:abc */', 'CREATETABLE d|a'], ['create table a(x int) /*! engine=innodb */', 'CREATETABLE d|a'], ['create table a(x int) /*!99999999 select */', 'CREATETABLE d|a'],
  // ALTER TABLE
  ['alter table a add column b int', 'ALTERTABLE d|a'], ['ALTER TABLE `s`.`a` DROP COLUMN b, algorithm=inplace', 'ALTERTABLE s|a'], ['alter table a', 'ALTERTABLE d|a'],
  ['alter table a rename to b', 'ALTERTABLE d|a>d|b'], ['alter table s.a rename to b', 'ALTERTABLE s|a>d|b'], ['alter table a rename x.b', 'ALTERTABLE d|a>x|b'],
  ['alter table a rename = b', 'ALTERTABLE d|a>d|b'], ['alter table a rename as b, add column z int', 'ALTERTABLE d|a>d|b'], ['alter table a add column z int, rename to `x` . `b`', 'ALTERTABLE d|a>x|b'],
  ['alter table a rename column b to c', 'ALTERTABLE d|a'], ['alter table a rename index b to c, rename key d to e', 'ALTERTABLE d|a'], ['alter table a drop column `rename`', 'ALTERTABLE d|a'],
  ["alter table a comment='rename to b'", 'ALTERTABLE d|a'], ['alter table a add check ((`rename` > 1))', 'ALTERTABLE d|a'], ['alter table a order by b, c', 'ALTERTABLE d|a'],
  ['alter table a exchange partition p0 with table b', 'ALTERTABLE d|a d|b rowsOutsideLog'], ['alter table a exchange partition `p` with table s.b without validation', 'ALTERTABLE d|a s|b rowsOutsideLog'],
  ['alter table a truncate partition p0, p1', 'ALTERTABLE d|a rowsOutsideLog'], ['alter table a drop partition p0', 'ALTERTABLE d|a rowsOutsideLog'], ['alter table a reorganize partition p0 into (partition p1 values less than (9))', 'ALTERTABLE d|a'],
  ['alter table a discard tablespace', 'ALTERTABLE d|a rowsOutsideLog'], ['alter table a import tablespace', 'ALTERTABLE d|a rowsOutsideLog'], ['alter table a convert to character set utf8mb4', 'ALTERTABLE d|a'],
  ['alter table a add column exchange int, add column import int', 'ALTERTABLE d|a'], ['alter table a engine=innodb', 'ALTERTABLE d|a'], ['alter table a add foreign key (x) references b (y) on delete cascade', 'ALTERTABLE d|a'],
  ['alter table a force', 'ALTERTABLE d|a'], ['alter table a add column (b int, c int)', 'ALTERTABLE d|a'],
  // DROP, RENAME, TRUNCATE
  ['DROP TABLE `a`,`b` /* generated by server */', 'DROPTABLE d|a d|b rowsOutsideLog'], ['DROP TABLE IF EXISTS `t` /* generated by server */', 'DROPTABLE d|t ifExists rowsOutsideLog'],
  ['drop tables s.a , b restrict', 'DROPTABLE s|a d|b rowsOutsideLog'], ['DROP TEMPORARY TABLE IF EXISTS `tt` /* generated by server */', 'DROPTABLE d|tt ifExists temporary rowsOutsideLog'],
  ['DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `x`.`tt`', 'DROPTABLE x|tt ifExists temporary rowsOutsideLog'], ['drop table a cascade', 'DROPTABLE d|a rowsOutsideLog'], ['drop table a b', 'DROPTABLE d|a rowsOutsideLog DOUBT'],
  ['drop table', 'DROPTABLE rowsOutsideLog DOUBT'], ['drop table a,', 'DROPTABLE d|a rowsOutsideLog DOUBT'], ['drop table a.', 'DROPTABLE rowsOutsideLog DOUBT'],
  ['rename table a to b', 'RENAMETABLE d|a>d|b'], ['rename table a to tmp, b to a, tmp to b', 'RENAMETABLE d|a>d|tmp d|b>d|a d|tmp>d|b'], ['rename tables s.a to x.a', 'RENAMETABLE s|a>x|a'],
  ['rename table a b', 'RENAMETABLE d|a DOUBT'], ['rename user u to v', 'other RENAME USER'], ['truncate a', 'TRUNCATETABLE d|a rowsOutsideLog'], ['TRUNCATE TABLE `s`.`a`', 'TRUNCATETABLE s|a rowsOutsideLog'],
  // indexes
  ['create index ix on a (b)', 'CREATEINDEX d|a :d|ix'], ['create unique index `i x` using btree on s.a (b, c(3)) comment \'on x\'', 'CREATEINDEX s|a :s|i x'], ['create fulltext index ix on a (b)', 'CREATEINDEX d|a :d|ix'],
  ['create spatial index ix on a (b)', 'CREATEINDEX d|a :d|ix'], ['drop index ix on s.a', 'DROPINDEX s|a :s|ix'], ['drop index `PRIMARY` on a', 'DROPINDEX d|a :d|PRIMARY'],
  ['create index ix', 'CREATEINDEX :d|ix DOUBT'],
  // databases
  ['create database x', 'CREATEDB db=x'], ['CREATE SCHEMA IF NOT EXISTS `x.y` DEFAULT CHARACTER SET utf8mb4', 'CREATEDB db=x.y ifNotExists'], ['drop database if exists nosuch', 'DROPDB db=nosuch ifExists rowsOutsideLog'],
  ['drop schema `x`', 'DROPDB db=x rowsOutsideLog'], ['alter database t character set utf8mb4', 'ALTERDB db=t'], ['alter database character set utf8mb4', 'ALTERDB db=d'], ['alter schema default collate utf8mb4_bin', 'ALTERDB db=d'],
  ['alter database `default` collate utf8mb4_bin', 'ALTERDB db=default'],
  // views, routines, triggers, events
  ['CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`127.0.0.1` SQL SECURITY DEFINER VIEW `v1` AS select 1 as a', 'CREATEVIEW d|v1'], ['create or replace view s.v as select 1', 'CREATEVIEW s|v orReplace'],
  ['alter algorithm = merge definer = current_user() sql security invoker view v as select 2', 'ALTERVIEW d|v'], ['drop view if exists v, s.w cascade', 'DROPVIEW d|v s|w ifExists'],
  ["CREATE DEFINER='r o'@'%' PROCEDURE `p`(in x int)\nbegin drop table a; end", 'CREATEPROCEDURE :d|p'], ['create definer=root@localhost function s.f() returns int return 1', 'CREATEFUNCTION :s|f'],
  ['create definer=root@10.0.0.1 function f() returns int return 1', 'CREATEFUNCTION :d|f'], ['create definer=event@my_host.example procedure p() select 1', 'CREATEPROCEDURE :d|p'],
  ["create function f returns string soname 'f.so'", 'CREATEFUNCTION :d|f'], ['create aggregate function f returns real soname \'f.so\'', 'CREATEFUNCTION :d|f'], ['drop procedure if exists p', 'DROPPROCEDURE :d|p ifExists'], ['alter function f comment \'x\'', 'ALTERFUNCTION :d|f'],
  ['CREATE DEFINER=`root`@`%` trigger tr before insert on r for each row set new.z=now(6)', 'CREATETRIGGER d|r :d|tr'], ['create trigger s.tr after delete on s . `on` for each row begin end', 'CREATETRIGGER s|on :s|tr'],
  ['drop trigger s.tr', 'DROPTRIGGER :s|tr'], ['create event e on schedule every 1 day do delete from t', 'CREATEEVENT :d|e'], ['alter definer=u event e rename to f', 'ALTEREVENT :d|e'], ['drop event if exists e', 'DROPEVENT :d|e ifExists'],
  // no effect on rows or shapes
  ["CREATE USER 'u1'@'%' IDENTIFIED WITH 'caching_sha2_password' AS '$A$00'", 'other CREATE USER'], ['drop user u', 'other DROP USER'], ['alter user u account lock', 'other ALTER USER'], ['create role r', 'other CREATE ROLE'],
  ["GRANT SELECT ON `t`.* TO 'u1'@'%'", 'other GRANT'], ['revoke all on *.* from u', 'other REVOKE'], ["set password for u='x'", 'other SET'], ['flush tables', 'other FLUSH'], ['analyze table a', 'other ANALYZE'],
  ['optimize table a', 'other OPTIMIZE'], ['repair table a', 'other REPAIR'], ["create server s foreign data wrapper mysql options (host 'x')", 'other CREATE SERVER'], ['load index into cache a', 'other LOAD'],
  ["install plugin x soname 'x.so'", 'other INSTALL'], ['# Dummy event replacing event type 160 that slave cannot handle.', 'other'], ['', 'other'], ['  /* nothing */ ', 'other'], ['start slave', 'other START'],
  // statement-format DML
  ['insert into a values (1)', 'dml INSERT d|a'], ['INSERT LOW_PRIORITY IGNORE s.a (x) select 1', 'dml INSERT s|a'], ['replace into `a b` set x=1', 'dml REPLACE d|a b'], ['update a set x=1', 'dml UPDATE d|a'],
  ['update s.a partition (p0, p1) as z set x=1', 'dml UPDATE s|a'], ['update a join b using (id) set a.x=1', 'dml UPDATE'], ['update a, b set a.x=1', 'dml UPDATE'], ['update ignore a z set x=1', 'dml UPDATE d|a'],
  ['delete from a where x=1', 'dml DELETE d|a'], ['delete quick from s.a', 'dml DELETE s|a'], ['delete a, b from a join b', 'dml DELETE'], ['delete from a, b using a join b', 'dml DELETE'], ['delete from a.* using a join b', 'dml DELETE'],
  ["load data local infile 'into table z' replace into table s.a fields terminated by ','", 'dml LOAD s|a'], ['call p()', 'dml CALL'], ['select f()', 'dml SELECT'], ['(select f())', 'dml SELECT'],
  ['do f()', 'dml DO'], ['frobnicate everything', 'dml FROBNICATE'], ['`create` table a', 'dml '], ["'", 'dml '],
  // grammar of releases to come is doubt, never silence
  ['create gadget g', 'CREATEGADGET DOUBT'], ['alter gadget g', 'ALTERGADGET DOUBT'], ['rename gadget a to b', 'RENAMETABLE d|gadget DOUBT'], ['create', 'CREATE DOUBT'],
  ["create table `\ufffd` (a int)", 'CREATETABLE d|\ufffd DOUBT'], ["create table a (x int) comment '\ufffd\\'", 'CREATETABLE d|a DOUBT'],
];

export const MYSQL: readonly (readonly [sql: string, expected: string])[] = [
  ['CREATE TABLE `ctas` (\n  `id` int NOT NULL,\n  `v` int DEFAULT NULL\n) START TRANSACTION', 'CREATETABLE d|ctas startTransaction'], ['create table a table b', 'CREATETABLE d|a select'], ['create table a as table b', 'CREATETABLE d|a select'],
  ['create table a(x int) /*M!100100 select 1 */', 'CREATETABLE d|a'], ['create table a(x int) /*!80013 select 1 */', 'CREATETABLE d|a select'], ['create table a(x int) /*!999999 /* nested */ select 1 */', 'CREATETABLE d|a'],
  ['alter table a secondary_load', 'ALTERTABLE d|a'], ['alter table a discard partition p0 tablespace', 'ALTERTABLE d|a rowsOutsideLog'], ["import table from 'x.sdi'", 'CREATETABLE rowsOutsideLog DOUBT'],
  ['alter instance rotate innodb master key', 'other ALTER INSTANCE'], ["create spatial reference system 4711 name 'x' definition ''", 'other CREATE REFERENCE'], ['create undo tablespace u add datafile \'u.ibu\'', 'other CREATE TABLESPACE'],
  ['create resource group g type=user', 'other CREATE RESOURCE'], ['create external table a (x int) file_format=(format csv)', 'CREATETABLE d|a'], ['create or replace json relational duality view v as select 1', 'CREATEVIEW d|v orReplace'],
  ['create trigger if not exists tr before update on a for each row precedes x set @a=1', 'CREATETRIGGER d|a :d|tr ifNotExists'], ['create procedure p() language javascript as $$ drop table a; $$', 'CREATEPROCEDURE :d|p'],
  ['create library l language javascript as $$ export function f() {} $$', 'other CREATE LIBRARY'], ['create user if not exists u', 'other CREATE USER'], ['drop spatial reference system 4711', 'other DROP REFERENCE'],
  ['drop index ix on a algorithm=inplace lock=none', 'DROPINDEX d|a :d|ix'], ['with c as (select 1) update a set x=1', 'dml WITH'],
];

export const MARIADB: readonly (readonly [sql: string, expected: string])[] = [
  ['CREATE OR REPLACE TABLE `c` (\n  `id` int(11) NOT NULL\n)', 'CREATETABLE d|c orReplace rowsOutsideLog'], ['create or replace temporary table s.c like b', 'CREATETABLE s|c like=d|b orReplace temporary rowsOutsideLog'],
  ['set statement max_statement_time=10 for alter table b add y int', 'ALTERTABLE d|b'], ["set statement sql_mode='for', a=(select 1 for update), b=2 for create table x (a int)", 'CREATETABLE d|x'],
  ['set statement a=1 for set statement b=2 for insert into x values (1)', 'dml INSERT d|x'], ['set statement a=1', 'dml SET STATEMENT'], ['alter online table a add b int', 'ALTERTABLE d|a'],
  ['alter online ignore table if exists s.a wait 5 add column if not exists b int', 'ALTERTABLE s|a ifExists'], ['alter table a nowait rename b', 'ALTERTABLE d|a>d|b'], ['alter table a wait 1.5 rename b', 'ALTERTABLE d|a>d|b'], ['alter table wait add b int', 'ALTERTABLE d|wait'],
  ['alter table a rename column if exists b to c', 'ALTERTABLE d|a'], ['alter table a convert partition p0 to table b', 'ALTERTABLE d|a d|b rowsOutsideLog'], ['alter table a convert table s.b to partition p9 values less than (9)', 'ALTERTABLE d|a s|b rowsOutsideLog'],
  ['alter table a drop partition if exists p0', 'ALTERTABLE d|a rowsOutsideLog'], ['alter table a drop system versioning', 'ALTERTABLE d|a'], ['alter table a add period for application_time(b, c)', 'ALTERTABLE d|a'],
  ['rename table if exists a wait 3 to b, c nowait to e', 'RENAMETABLE d|a>d|b d|c>d|e ifExists'], ['drop table if exists a, b wait 10', 'DROPTABLE d|a d|b ifExists rowsOutsideLog'], ['drop table a nowait cascade', 'DROPTABLE d|a rowsOutsideLog'],
  ['truncate table a wait 2', 'TRUNCATETABLE d|a rowsOutsideLog'], ['create or replace index ix on a (b) nowait', 'CREATEINDEX d|a :d|ix orReplace'], ['create index if not exists ix on a (b)', 'CREATEINDEX d|a :d|ix ifNotExists'],
  ['drop index if exists ix on a', 'DROPINDEX d|a :d|ix ifExists'], ['create sequence s.sq start with 5', 'CREATESEQUENCE s|sq'], ['alter sequence if exists sq restart 100', 'ALTERSEQUENCE d|sq ifExists'],
  ['drop sequence if exists sq, s.sq2', 'DROPSEQUENCE d|sq s|sq2 ifExists rowsOutsideLog'], ['create or replace database x', 'CREATEDB db=x orReplace'], ['create or replace definer=`a`@`%` package body s.p as end', 'CREATEPACKAGE :s|p orReplace'],
  ['drop package if exists p', 'DROPPACKAGE :d|p ifExists'], ['create definer=current_role procedure p() begin end', 'CREATEPROCEDURE :d|p'], ['create table a (x int) with system versioning', 'CREATETABLE d|a'],
  ['create table a (x int) /*M!110000 with system versioning */ /*!100100 engine=innodb */', 'CREATETABLE d|a'], ['create table a (x int) /*!50701 select 1 */', 'CREATETABLE d|a'], ['create table a (x int) /*!50699 select 1 */', 'CREATETABLE d|a select'],
  ['create table a (x int) /*M!50701 select 1 */', 'CREATETABLE d|a select'], ['create table a (x int) /*!100100 select 1 */', 'CREATETABLE d|a select'], ['create table a (x int) partition by system_time interval 1 week starts \'2020-01-01\' auto partitions 3', 'CREATETABLE d|a'],
  ['analyze update a set x=1', 'dml ANALYZE'], ['analyze format=json delete from a', 'dml ANALYZE'], ['select nextval(sq)', 'dml SELECT'], ['create or replace user u', 'other CREATE USER'], ['backup stage end', 'other BACKUP'],
  ['create trigger tr before insert on a for each row follows x insert into b values (1)', 'CREATETRIGGER d|a :d|tr'],
  ['ROLLBACK TO savepoint', 'rollbackTo savepoint'], ['create table .a (x int)', 'CREATETABLE d|a'], ['create table a values (1)', 'CREATETABLE d|a select'], ['alter ignore table a add unique (b)', 'ALTERTABLE d|a'], ['create vector index ix on a (b)', 'CREATEINDEX d|a :d|ix'],
];
