/** The pages that follow from the commands and from the HTTP routes: generate-docs.ts writes them. */
import { openApi } from '../src/admin/index.ts';
import { commandHelp } from '../src/cli/args.ts';
import { COMMANDS } from '../src/cli/program.ts';
import { VERSION } from '../src/cli/version.ts';

const INTRO = `# The command line

<!-- Made by npm run docs; edit scripts/generate-reference.ts and the commands in the source instead. -->

\`binlog-undo COMMAND [OPTIONS]\`. Every option is also a parameter of the HTTP API (\`docs/openapi.json\`), with underscores for dashes.
Results go to standard output; warnings and errors go to standard error, one line each: \`binlog-undo: CODE: what happened. What to do.\`

| exit code | meaning |
|---|---|
| 0 | done; a script for a covered range in which nothing matches is done, too |
| 1 | failure: a server cannot be reached, or \`check\` found a fault |
| 2 | usage: an option, a position, a time or a name is wrong |
| 3 | refused: a gap, something that cannot be undone, a range that the log does not cover |

## Ranges

- Positions are \`file:offset\` between two transactions, the start inclusive, the stop exclusive. A position inside a transaction is refused, and its bounds are named.
- Times are commit times in the source's order, the start inclusive, the stop exclusive: with \`Z\` or an offset, on the command line also as local
  time, which is repeated in UTC on standard error. MariaDB states whole seconds.
- Without a stop the source's position now is meant, and the log is given 10 seconds to reach it. Where the source is not configured or does not answer,
  the end of the log is meant; the head of the script says which. Operations that are named by \`--opid\` need no stop.
- A range that the log does not cover is refused (NOT_COVERED) with how far it reaches. \`--wait SECONDS\` waits for it. Without a daemon the
  source is read from the checkpoint on: where all that follows needs no place in the log, the range counts as covered.
- \`--type\` goes by the operation's type as \`find\` shows it: an INSERT ... ON DUPLICATE KEY UPDATE is an INSERT with all its rows.

## What a script does

1. Its head says what it undoes, from which range, back to which point (the validity point), and what was allowed.
2. It pins its session, and fails before any change on a server that is read-only, that is a replica (\`--allow replica\` lifts this), or that is
   neither the source nor a server that has executed the newest transaction undone (\`--target any\` lifts this). The transaction is then read-only too,
   so that a client that goes on after errors (\`--force\`) changes nothing, not even in tables that cannot roll back.
   - On MySQL the replica check needs SELECT on \`performance_schema.replication_connection_configuration\`; without it the script stops there.
   - On MariaDB a replica is noticed while its replication runs. The source is told by the last GTID of the same domain and server in \`gtid_binlog_state\`.
   It fails as well while another script of ours runs on one of its databases: it holds \`GET_LOCK('binlog-undo:DATABASE')\` from its first lines to its
   end (Percona XtraDB Cluster refuses that under \`pxc_strict_mode=ENFORCING\`). A second run meets rows that no longer hold what the accident
   left, so nothing is committed. Where rows cannot tell (tables without a key, an accident that came again, \`--guard none\` over rows that were
   all changed since), \`--once-table DATABASE.TABLE\` does: make the table on the source once, \`CREATE TABLE ops.undo_applied (script CHAR(16)
   PRIMARY KEY, applied TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)\`; the script notes itself there in its own transaction.
3. Each statement is followed by \`SET @n=@n+ROW_COUNT();\`. COMMIT runs only when exactly as many rows were changed as are to be undone.
   Measured on MySQL 9.7, MariaDB 11.8 and 10.11 with the stock clients, with and without \`--force\`.
   - Rows of one table that follow one another in a transaction share statements where that is exact: up to 500 in an INSERT, up to 100 in a DELETE
     or UPDATE, 64 KiB in all. Each row keeps its own key and guard as one of the terms of WHERE, of which each can find one row only, so that
     the count is right only when every one was found. \`--form single\` makes a statement for each row: four to ten times slower to apply.
     Always by themselves go rows of tables with triggers or that cannot roll back, and those whose images lack columns (MariaDB 11.8 leaves
     generated ones out); deleted ones of tables without a key, or that foreign keys of their own or with CASCADE or SET NULL refer to; updated
     ones where a column of a unique or referred-to key is restored, a FLOAT, DOUBLE, BIT, SET, JSON, spatial, VECTOR, UUID or INET value, or text outside
     what stands between quotes, or where the key is text or has a unique key over an expression or a generated column beside it. Where the source was
     not asked for its foreign keys only INSERTs are shared, and in a script that undoes DDL nothing.
   - A statement over several rows of a small table may lock all of its rows until the end, as the server reads it whole.
   - \`--guard row\` compares every column of the row, \`--guard none\` only its key.
   - \`--atomic false\` makes a transaction for each transaction undone, \`--chunk-rows COUNT\` one for every so many rows. Each part is counted and committed
     by itself, in order; the first that does not fit ends the script, also with \`--force\`, and its number is in the message. To go on, make the script
     again with the same range and stop and \`--from-part NUMBER\`. With \`--chunk-rows\`, foreign keys are looked at behind the last part only.
4. Foreign key checks are switched as the binlog says they were: off where the source logged the rows that its foreign keys changed (MySQL 9.6
   and later), or where the session had them off. Rows that other sessions made depend on an undone row meanwhile are told by \`plan\` as conflicts.
5. The first statement of each table carries \`/*!999999 binlog-undo:ID */\`, which the clients send on and the binlog keeps
   where the source logs the SQL of row changes (\`binlog_rows_query_log_events\`, \`binlog_annotate_row_events\`). By it the log knows the run: \`find\` and
   \`plan\` name the script, \`scripts\` says when it was applied, and \`--script ID\` selects what it changed, for the undo of an undo.

Feed it to the client's standard input (\`mariadb < undo.sql\`). In an interactive session, \`source\` lets the client reconnect in the middle.

\`--format check\` prints, for the same options, SELECTs in place of the script: each row that the script would not find as its guard asks, and each primary or unique
key that is taken, is listed with its table, its key and the problem; nothing when all match. They need SELECT on the tables only, run in a read-only transaction, and look
at each row as far as the undo of newer changes of the selection has not put it right. Not looked at: foreign keys, keys over expressions or parts of columns,
and older changes of a row whose key was changed as well. Rows that the script undoes after DDL cannot be looked at before it: a line for each
table tells how many there are (\`not looked at: the script undoes DDL first\`).

Conflicts: \`plan\` tells which later changes in the log touched the same rows, took their keys or depend on them: [conflicts.md](conflicts.md).
Where there are any, a script is refused (\`CONFLICT\`; \`--mode nocascade\`, the default) until \`--mode\` says how they are met: \`cascade\` undoes them as well,
\`nonconflict-only\` leaves their rows out, \`nocascade-force\` does not look and lets the guard decide when the script runs: with \`--guard changed\`, a row whose
restored columns were changed since makes the whole script fail and nothing is committed. The plan suggests the mode that fits.

Refused unless allowed: gaps (\`--allow gap\`), DDL on a selected table in the range, before which its rows are left out (\`dataloss\`), tables with
triggers (\`trigger\`), tables that cannot roll back (\`nonatomic\`). Always refused: tables whose columns differ from those of the rows.

Tables that cannot roll back (MyISAM, MEMORY, Aria and the like): ROLLBACK leaves what was done to them. So with \`--allow nonatomic\` the script is cut into sections
where such rows begin and end, in the order of the undo; \`-- part N\` begins each. A section over such rows locks their tables (\`LOCK TABLES .. WRITE\`), counts every row and every
unique value that it needs as its guard asks, and opens its session for changes only when all were found: what differs is counted in the message (\`part 1: 2 rows or keys differ,
stopped\`; \`--format check\` lists it), nothing of the section was changed, and nothing behind it runs, also with \`--force\`. Then each statement has to undo its row, or the session closes for
the rest; only what no look can foresee (a full disk, a kill, a trigger, a key over an expression) ends a section half way. Sections over other rows are transactions with
a counted COMMIT. What earlier sections did stays. To go on with a later part, the head has the command. Without autocommit's batching such rows take one look, one
statement and one transaction each: 1.4 (MySQL) to four times (MariaDB) as long as \`--form single\` over InnoDB. \`--once-table\` notes the run before part 1: take its row out before a script is run again that was
stopped there. The account needs LOCK TABLES. Rows inserted into ARCHIVE or BLACKHOLE tables cannot be undone (\`NOT_UNDOABLE\`).

Tables with triggers: \`--triggers skip\` puts their rows back as row events (\`BINLOG\` statements made of the captured images), which fire no triggers on
MySQL 9.7, MariaDB 11.8 and 10.11, so that what the triggers wrote is undone once, where it is selected as well, and nothing is written anew. A SELECT before each
event finds and locks the row with every byte as the undone change left it, whatever \`--guard\` says, and only what was found and made no error counts for the
COMMIT. The account needs \`REPLICATION_APPLIER\` (MySQL) or \`BINLOG REPLAY\` (MariaDB). Refused where the table was altered or renamed since, cannot roll
back, or has images without all columns (MariaDB 11.8 leaves generated ones out).
`;

export function cliPage(): string {
  return `${[INTRO, '## Commands', '', ...COMMANDS.flatMap(({ info }) => [`### ${info.name}`, '', '```', commandHelp(info).trimEnd(), '```', ''])].join('\n').trimEnd()}\n`;
}

export function openApiPage(): string {
  return `${JSON.stringify(openApi(VERSION), null, 2)}\n`;
}
