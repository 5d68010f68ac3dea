import { loadConfig } from '../../config/load.ts';
import { UndoError } from '../../core/errors.ts';
import { openConnection } from '../../core/mysql.ts';
import { eraseRows, type EraseReport } from '../../projection/erase.ts';
import type { KeyValue } from '../../projection/erase-match.ts';
import { SELECTION_PARAMETERS } from '../../script/index.ts';
import { Ledger, requireLedger } from '../../store/ledger.ts';
import { requireSource } from '../../store/registry.ts';
import type { ParsedArgs } from '../args.ts';
import { thisUser } from '../engine.ts';
import type { Command } from './command.ts';

const WAIT_SECONDS = 60;

export const erase: Command = {
  info: {
    name: 'erase',
    summary: 'erase every image of the rows of one key from the log',
    about: [
      'For a person who is to be forgotten. Delete the row on the source first and let the daemon capture that; what commits afterwards is not touched.',
      'Erases the row images from blocks, key sets and the backup tables, and the SQL text of the operations that had them. Other rows can be',
      'undone as before; a script over an erased one is refused, like one over any other gap. The daemon may run. It can be stopped and run again.',
      'A row that changed its key is erased under each key that is named, one run for each. Kafka keeps what it has: docs/operations.md.',
    ].join('\n'),
    parameters: { source: SELECTION_PARAMETERS.source },
    options: {
      table: { doc: 'The table, under the name that it had then.', kind: 'text', placeholder: 'DB.TABLE' },
      key: { doc: 'A column and its value, exactly as the column holds it; several together tell the rows. Bytes as X\'..\'.', kind: 'text', placeholder: 'COLUMN=VALUE' },
      note: { doc: 'Why: it stands in the gaps. Must not name the key.', kind: 'text', placeholder: 'TEXT' },
      wait: { doc: `Seconds to wait for the projection, for Kafka and for scripts that are being written; default ${WAIT_SECONDS}.`, kind: 'text', placeholder: 'SECONDS' },
    },
    switches: { 'dry-run': 'Say what would be erased, and change nothing.', json: 'Print JSON.' },
    settings: 'common',
    examples: ["binlog-undo erase --table shop.customers --key id=4711 --note 'ticket 12' --dry-run", "binlog-undo erase --table shop.customers --key id=4711 --note 'ticket 12'"],
  },
  async run(args, io) {
    const config = loadConfig({ env: io.env, file: args.configFile, flags: args.settings, needs: ['backup'] });
    const [, schema, table] = /^([^.]+)\.(.+)$/.exec(one(args, 'table') ?? '') ?? [];
    const note = one(args, 'note');
    const key = (args.options.key ?? []).map(keyValue);
    const wait = Number(one(args, 'wait') ?? WAIT_SECONDS);
    if (schema === undefined || table === undefined || note === null || note.trim() === '' || key.length === 0) {
      throw new UndoError('USAGE', 'erase takes one --table, one --note, and --key for each column of the key.', { fix: "Give all: --table shop.customers --key id=4711 --note 'why'." });
    }
    if (!Number.isInteger(wait) || wait < 0 || wait > 86_400) throw new UndoError('USAGE', '--wait is not a number of seconds.', { fix: 'Give 0 to 86400.' });
    const connection = await openConnection(config.backup.endpoint);
    try {
      await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      const ledger = new Ledger(config.ledger);
      await requireLedger(connection, ledger);
      const source = await requireSource(connection, ledger, [args.raw.source ?? []].flat()[0] ?? config.source?.alias ?? null);
      const { name, client } = thisUser();
      const report = await eraseRows({ connection, ledger, sourceId: source.id, schema, table },
        { key, detail: `erased by ${name}, ${client}: ${note}`, dryRun: args.switches.has('dry-run'), wait, signal: io.signal });
      io.stdout.write(args.switches.has('json') ? `${JSON.stringify({ format: 1, source: source.alias, ...report }, null, 2)}\n` : eraseText(source.alias, report));
      return 0;
    } finally {
      connection.destroy();
    }
  },
};

function keyValue(text: string): KeyValue {
  const cut = text.indexOf('=');
  if (cut < 1) throw new UndoError('USAGE', '--key takes a column, = and its value.', { fix: 'For example --key id=4711.' });
  return { column: text.slice(0, cut), value: text.slice(cut + 1) };
}

function one(args: ParsedArgs, name: string): string | null {
  const given = args.options[name] ?? [];
  if (given.length > 1) throw new UndoError('USAGE', `--${name} is given ${given.length} times.`, { fix: 'Give it once.' });
  return given[0] ?? null;
}

function eraseText(source: string, report: EraseReport): string {
  const what = `${report.rows} row changes in ${report.operations} operations of ${report.transactions} transactions and ${report.blocks} blocks`;
  return report.dryRun ? `Would be erased from "${source}": ${what}.\n`
    : `Erased from "${source}": ${what}; ${report.backupRows} backup rows and ${report.statements} SQL texts.\n`;
}
