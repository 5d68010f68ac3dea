import type { SqlReader } from './reader.ts';
import type { QueryClass } from './query-class.ts';

function bytesOf(reader: SqlReader): Buffer | null {
  const token = reader.next();
  if (token.kind === 'string') return Buffer.from(token.text.replaceAll("''", "'"), 'utf8');
  if (token.keyword === 'X' && reader.peek().kind === 'string' && reader.peek().start === token.end) return Buffer.from(reader.next().text, 'hex');
  return /^0x[0-9a-f]+$/i.test(token.text) ? Buffer.from(token.text.slice(2), 'hex') : null;
}

/** An XID in the form in which servers log it: `X'6131',X'',1`; null when none can be read. */
function readXid(reader: SqlReader): string | null {
  const gtrid = bytesOf(reader);
  const bqual = reader.acceptPunct(',') ? bytesOf(reader) : Buffer.alloc(0);
  const format = reader.acceptPunct(',') ? reader.next().text : '1';
  if (!gtrid || !bqual || !/^\d+$/.test(format)) return null;
  return `X'${gtrid.toString('hex')}',X'${bqual.toString('hex')}',${Number(format)}`;
}

/** `XA verb xid ...`, the word XA taken. A form not known is taken for a change: never overlooked. */
export function readXa(reader: SqlReader): QueryClass {
  const verb = reader.next().keyword;
  if (verb === 'RECOVER') return { kind: 'other', verb: 'XA RECOVER' };
  const xid = readXid(reader);
  if (xid !== null) {
    switch (verb) {
      case 'START': case 'BEGIN': return { kind: 'xaStart', xid };
      case 'END': return { kind: 'xaEnd', xid };
      case 'PREPARE': return { kind: 'xaPrepare', xid };
      case 'COMMIT': return { kind: 'xaCommit', xid, onePhase: reader.acceptAll('ONE', 'PHASE') };
      case 'ROLLBACK': return { kind: 'xaRollback', xid };
    }
  }
  return { kind: 'dml', verb: 'XA', tables: [] };
}

/** `ROLLBACK [WORK] [TO [SAVEPOINT] name]`, the word ROLLBACK taken. */
export function readRollback(reader: SqlReader): QueryClass {
  reader.accept('WORK');
  if (!reader.accept('TO')) return { kind: 'rollback' };
  if (reader.keyword() === 'SAVEPOINT' && (reader.peek(1).kind === 'word' || reader.peek(1).kind === 'name')) reader.next();
  return { kind: 'rollbackTo', name: reader.identifier() ?? '' };
}
