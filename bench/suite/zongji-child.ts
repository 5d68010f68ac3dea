/**
 * A process of its own, so that its processor time is all that is counted: reads a stretch of a binlog over the network.
 *   zongji-child.ts decode|escape|ours HOST PORT USER PASSWORD FLAVOUR FILE OFFSET
 */
import ZongJi from '@vlasky/zongji';
import mysql from 'mysql2';
import { TransactionAssembler } from '../../src/capture/assembler.ts';
import { CommitClock } from '../../src/capture/commit-clock.ts';
import { CaptureFilter } from '../../src/capture/filter.ts';
import type { CaptureSink } from '../../src/capture/types.ts';
import { BinlogStream } from '../../src/source/stream.ts';
import { replicaIdentity } from '../../src/source/replica-identity.ts';

const [mode, host, port, user, password, flavour, filename, offset] = process.argv.slice(2);
const server = { host: host!, port: Number(port), user: user!, password: password! };

interface Counts {
  rows: number;
  transactions: number;
  bytes: number;
}

type Cells = Record<string, string | number | null>;
interface ZongjiEvent {
  getEventName(): string;
  readonly rows: readonly (Cells | { readonly before: Cells; readonly after: Cells })[];
}

/** What a program does that takes zongji's values and escapes them itself. */
function inverse(name: string, row: Cells | { readonly before: Cells; readonly after: Cells }): string {
  const where = (cells: Cells): string => `\`id\`=${mysql.escape(cells.id)}`;
  if (name === 'writerows') return `DELETE FROM \`bench\`.\`t\` WHERE ${where(row as Cells)};`;
  if (name === 'deleterows') return `INSERT INTO \`bench\`.\`t\` VALUES (${Object.values(row as Cells).map((value) => mysql.escape(value)).join(',')});`;
  const { before, after } = row as { before: Cells; after: Cells };
  const changed = Object.keys(before).filter((key) => before[key] !== after[key]).map((key) => `\`${key}\`=${mysql.escape(before[key])}`);
  return `UPDATE \`bench\`.\`t\` SET ${changed.join(', ')} WHERE ${where(after)};`;
}

function zongji(counts: Counts): Promise<void> {
  return new Promise((resolve) => {
    const reader = new ZongJi(server);
    reader.on('binlog', (...given: unknown[]) => {
      const [event] = given as [ZongjiEvent];
      const name = event.getEventName();
      if (name === 'xid') counts.transactions++;
      if (!name.endsWith('rows')) return;
      counts.rows += event.rows.length;
      if (mode === 'escape') for (const row of event.rows) counts.bytes += inverse(name, row).length;
    });
    // At the end of the binlog it reports a lost connection.
    reader.on('error', () => resolve());
    reader.start({ serverId: 4000001, filename: filename!, position: Number(offset), nonBlock: true, includeEvents: ['tablemap', 'writerows', 'updaterows', 'deleterows', 'xid', 'rotate'] });
  });
}

/** Everything that the daemon does up to the store: transport, CRC, decoding, assembling. */
async function ours(counts: Counts): Promise<void> {
  const sink: CaptureSink = {
    rows: (_, _map, event) => { counts.bytes += event.bodyEnd - event.bodyStart; }, spill: () => undefined,
    commit: (transaction) => {
      counts.transactions++;
      for (const { inserted, updated, deleted } of transaction.operations) counts.rows += inserted + updated + deleted;
    },
    prepare: () => undefined, commitPrepared: () => true, rollbackPrepared: () => undefined, abandon: () => undefined, passed: () => undefined, rotated: () => undefined,
  };
  const filter = new CaptureFilter({ includeDatabases: [], includeTables: [], excludeDatabases: [], excludeTables: [] }, []);
  const assembler = new TransactionAssembler(filter, sink, { seen: () => undefined, changed: () => undefined, lost: () => undefined, passed: () => undefined, inside: () => [] }, new CommitClock(() => Date.now() * 1000, 0));
  const stream = new BinlogStream({
    endpoint: { role: 'source', ...server, password: () => server.password, tls: null }, flavour: flavour as 'mysql', identity: replicaIdentity('bench', 4000002),
    start: { filename: filename!, position: Number(offset) }, heartbeatSeconds: 60, toEnd: true, onEvent: (event) => { assembler.handle(event); },
  });
  await stream.ended;
}

const counts: Counts = { rows: 0, transactions: 0, bytes: 0 };
const [begun, before] = [performance.now(), process.cpuUsage()];
await (mode === 'ours' ? ours(counts) : zongji(counts));
const { user: inUser, system } = process.cpuUsage(before);
process.stdout.write(`${JSON.stringify({ ...counts, seconds: (performance.now() - begun) / 1000, cpu: (inUser + system) / 1e6 })}\n`);
process.exit();
