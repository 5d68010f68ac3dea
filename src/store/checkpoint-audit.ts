import type { Connection } from 'mysql2/promise';
import { GtidSet } from '../binlog/gtid-set.ts';
import { MariadbGtidPosition } from '../binlog/mariadb-gtid.ts';
import { UndoError } from '../core/errors.ts';
import { row } from '../core/mysql.ts';
import type { Ledger } from './ledger.ts';
import { newestBlock } from './newest-block.ts';
import type { SourceRecord } from './registry.ts';

const FILE = /^.+\.\d{6,}$/;
const FIRST_OFFSET = 4;

interface Found {
  incarnation_id: number; incarnation: number | null; file: string; file_offset: string; anchor: string | null; gtid_set: string | null; next_ordinal: string; next_block: string;
  last_ordinal: string | null; end_file: string | null; end_offset: string | null; life: number | null;
}

/**
 * Looks whether a source's checkpoint agrees with the log: a ledger that was edited by hand must not be gone on from.
 * @throws UndoError LEDGER_DAMAGED with what was found, what was expected, and the statement that mends it.
 */
export async function auditCheckpoint(connection: Connection, ledger: Ledger, source: SourceRecord): Promise<void> {
  const [checkpoints, transactions] = [ledger.table('checkpoints'), ledger.table('transactions')];
  const found = await row<Found>(connection,
    `SELECT c.incarnation_id, i.id AS incarnation, c.file, c.file_offset, c.anchor, c.gtid_set, c.next_ordinal, c.next_block, t.ordinal AS last_ordinal,
       t.end_file, t.end_offset, t.incarnation_id AS life
     FROM ${checkpoints} c LEFT JOIN ${ledger.table('incarnations')} i ON i.id = c.incarnation_id
     LEFT JOIN ${transactions} t ON t.source_id = c.source_id AND t.ordinal = (SELECT MAX(ordinal) FROM ${transactions} m WHERE m.source_id = c.source_id)
     WHERE c.source_id = ?`, [source.id]);
  if (!found) {
    const orphan = await row(connection, `SELECT 1 FROM ${transactions} WHERE source_id = ? LIMIT 1`, [source.id]);
    if (orphan) throw damaged(source, 'there is none', 'one, since the log holds transactions', `Restore ${checkpoints} from a copy of the ledger.`);
    return;
  }
  const mend = (assignment: string): string => `UPDATE ${checkpoints} SET ${assignment} WHERE source_id = ${source.id};`;
  const last = found.last_ordinal === null ? null : Number(found.last_ordinal);
  const nextOrdinal = Number(found.next_ordinal);
  // Of a transaction that ended at a place, the log has everything up to there.
  const back = found.end_file !== null && found.life === found.incarnation_id ? `file = '${found.end_file}', file_offset = ${String(found.end_offset)}, ` : null;
  const place = (what: string, expected: string): UndoError => damaged(source, what, expected,
    back === null ? `Restore ${checkpoints} from a copy of the ledger.` : mend(`${back}anchor = NULL, gtid_set = NULL`));
  if (found.incarnation === null) throw damaged(source, `incarnation_id ${found.incarnation_id}`, 'a row of incarnations', found.life === null ? 'Restore the ledger from a copy.' : mend(`incarnation_id = ${found.life}`));
  if (found.file !== '' && (!FILE.test(found.file) || Number(found.file_offset) < FIRST_OFFSET)) throw place(`${found.file}:${found.file_offset}`, 'a binlog position like binlog.000012:4');
  if (last !== null && nextOrdinal <= last) throw damaged(source, `next_ordinal ${nextOrdinal}`, `more than the newest transaction's, ${last}`, mend(`next_ordinal = ${last + 1}`));
  const block = await newestBlock(connection, ledger, source.id);
  if (Number(found.next_block) <= block) throw damaged(source, `next_block ${found.next_block}`, `more than the newest block's, ${block}`, mend(`next_block = ${block + 1}`));
  if (!readable(source, found.gtid_set, found.anchor)) throw place(`gtid_set ${JSON.stringify(found.gtid_set)} and anchor ${JSON.stringify(found.anchor)}`, 'a GTID set of the source\'s flavour and JSON');
}

function readable(source: SourceRecord, gtids: string | null, anchor: string | null): boolean {
  try {
    if (gtids !== null) (source.flavour === 'mysql' ? GtidSet : MariadbGtidPosition).parse(gtids);
    if (anchor !== null) JSON.parse(anchor);
    return true;
  } catch {
    return false;
  }
}

function damaged(source: SourceRecord, found: string, expected: string, fix: string): UndoError {
  return new UndoError('LEDGER_DAMAGED', `The checkpoint of "${source.alias}" was edited: found ${found}, expected ${expected}.`, { fix });
}
