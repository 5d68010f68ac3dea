/** The table that makes a schema a backup database, ours or goInception's. */
export const INFORMATION_TABLE = '$_$Inception_backup_information$_$';
/** The backup table of what concerns a database as a whole. */
export const SCHEMA_TABLE = '$_$schema$_$';
/** The table by which any release recognises a schema that holds a ledger. */
export const LEDGER_MARK_TABLE = 'binlog_undo_ledger';

/** The schemas in which one source's DDL is run again are called `<ledger>_scratch_<source>_<n>`. */
export const SCRATCH_SUFFIX = /_scratch_\d+_\d+$/;
export function scratchPrefix(ledger: string, sourceId: number): string {
  return `${ledger}_scratch_${sourceId}_`;
}
