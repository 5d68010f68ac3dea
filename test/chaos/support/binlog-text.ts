import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { spawnTool, type RunningServer } from '../../../deploy/provision/index.ts';
import type { RowsKind } from '../../../src/binlog/types.ts';
import { comparePositions, type Position } from '../../../src/core/position.ts';
import { OpenChanges, type KeyTotal, type LogChanges, type TransactionChanges } from './row-changes.ts';

const KINDS: Readonly<Record<string, RowsKind>> = { 'INSERT INTO': 'insert', UPDATE: 'update', 'DELETE FROM': 'delete' };

/**
 * What the server's own tool finds in the server's binlog files from `start` to their end, of one schema:
 * a reading that shares no line of code with ours.
 */
export async function readBinlogText(server: RunningServer, schema: string, start: Position): Promise<LogChanges> {
  const program = server.flavour === 'mysql' ? 'usr/bin/mysqlbinlog' : 'usr/bin/mariadb-binlog';
  const index = await readFile(join(server.dataDir, 'binlog.index'), 'utf8');
  const files = index.trim().split('\n').map((line) => line.replace(/^.*\//, '')).filter((file) => comparePositions({ file, offset: 4 }, { ...start, offset: 4 }) >= 0);
  const tool = await spawnTool(server.kind, program, [
    '--no-defaults', '--verbose', '--base64-output=decode-rows', `--start-position=${start.offset}`, ...files.map((file) => join(server.dataDir, file)),
  ]);
  const closed = new Promise<number | null>((resolve) => tool.once('close', resolve));
  let said = '';
  tool.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const reader = new TextReader(schema);
  let rest = '';
  for await (const chunk of tool.stdout as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop()!;
    for (const line of lines) reader.line(line);
  }
  const status = await closed;
  if (status !== 0) throw new Error(`${program} on ${dirname(server.dataDir)} ended with ${status ?? 'a signal'}: ${said}`);
  return reader.end();
}

/** Line by line. All tables are transactional, so what was rolled back is in the binlog only as prepared XA. */
class TextReader {
  readonly #schema: string;
  readonly #transactions: TransactionChanges[] = [];
  readonly #totals = new Map<string, KeyTotal>();
  readonly #prepared = new Map<string, OpenChanges>();
  #open = new OpenChanges();
  #gtid: string | null = null;
  #row: { readonly table: string; readonly kind: RowsKind; readonly before: string[]; readonly after: string[] } | null = null;
  /** Where the values that follow belong. */
  #values: string[] = [];

  constructor(schema: string) {
    this.#schema = schema;
  }

  line(line: string): void {
    if (line.startsWith('### ')) this.#change(line.slice(4));
    else if (line.startsWith('#')) this.#gtid = /\tGTID (\d+-\d+-\d+)/.exec(line)?.[1] ?? this.#gtid;
    else {
      this.#endRow();
      this.#statement(line);
    }
  }

  end(): LogChanges {
    if (!this.#open.empty) throw new Error('the binlog ends inside a transaction');
    if (this.#prepared.size > 0) throw new Error(`prepared and never ended: ${[...this.#prepared.keys()].join(' ')}`);
    return { transactions: this.#transactions, totals: this.#totals };
  }

  #change(text: string): void {
    if (text.startsWith('  @')) {
      const value = text.slice(text.indexOf('=') + 1);
      // Behind a negative number stands what it would be without a sign.
      this.#values.push(value.startsWith("'") ? value : value.split(' ', 1)[0]!);
    } else if (text === 'SET' || text === 'WHERE') this.#values = text === 'SET' ? this.#row!.after : this.#row!.before;
    else {
      this.#endRow();
      const [, kind, schema, table] = /^([A-Z ]+) `(.+)`\.`(.+)`$/.exec(text) ?? [];
      const found = KINDS[kind ?? ''];
      if (!found) throw new Error(`not understood: ### ${text}`);
      this.#row = { table: schema === this.#schema ? table! : '', kind: found, before: [], after: [] };
    }
  }

  #endRow(): void {
    const row = this.#row;
    if (row === null) return;
    this.#row = null;
    if (row.table !== '') this.#open.add(row.table, row.kind, row.before, row.after);
  }

  #statement(line: string): void {
    const [, gtid] = /^SET @@SESSION\.GTID_NEXT= '(.+)'/.exec(line) ?? [];
    if (gtid !== undefined && gtid !== 'AUTOMATIC') this.#gtid = gtid;
    if (line === 'COMMIT/*!*/;') this.#commit(this.#open);
    const [, what, xid, onePhase] = /^XA (PREPARE|COMMIT|ROLLBACK) (\S+)( ONE PHASE)?/.exec(line) ?? [];
    if (what === undefined || xid === undefined) return;
    if (onePhase !== undefined) this.#commit(this.#open);
    else if (what === 'PREPARE') {
      this.#prepared.set(xid, this.#open);
      this.#open = new OpenChanges();
    } else {
      const branch = this.#prepared.get(xid);
      this.#prepared.delete(xid);
      if (what === 'COMMIT' && branch) this.#commit(branch);
    }
  }

  #commit(changes: OpenChanges): void {
    if (!changes.empty) this.#transactions.push(changes.close(this.#gtid, this.#totals));
    this.#open = new OpenChanges();
  }
}
