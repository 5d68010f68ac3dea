import { quoteTable } from '../core/identifiers.ts';
import { literal } from '../core/sql-literal.ts';
import { INFORMATION_TABLE, SCHEMA_TABLE } from '../core/undo-tables.ts';
import type { StoredOperation, StoredTransaction } from '../store/log-reader.ts';
import type { BackupDatabase } from './backup-tables.ts';
import type { Lanes } from './lanes.ts';
import { statementExpression } from './statement-text.ts';

/** A TIMESTAMP column holds no second before or after these on every server. */
const FIRST_SECOND = 1;
const LAST_SECOND = 2_147_483_647;
const ROWS_PER_INSERT = 200;
/** Of the values of an INSERT, before its last row: with that, under the default limit of text, far below any max_allowed_packet. */
const INSERT_CHARACTERS = 512 * 1024;

/** Of one INSERT. */
interface Pending {
  rows: number;
  values: string;
}

/** Rows for the information tables, written when the operations they name are complete. */
export class InformationRows {
  readonly #lanes: Pick<Lanes, 'write'>;
  readonly #host: string;
  readonly #port: number;
  readonly #textLimit: number;
  readonly #pending = new Map<string, Pending[]>();
  #second = { seconds: Number.NaN, text: '' };

  constructor(lanes: Pick<Lanes, 'write'>, host: string, port: number, textLimit: number) {
    this.#lanes = lanes;
    this.#host = host;
    this.#port = port;
    this.#textLimit = textLimit;
  }

  add(database: BackupDatabase, transaction: StoredTransaction, operation: StoredOperation, charset: string | null): void {
    const text = statementExpression(operation, charset, Math.min(this.#textLimit, database.limits.statementBytes));
    const chunks = this.#pending.get(database.name) ?? [];
    this.#pending.set(database.name, chunks);
    let chunk = chunks.at(-1);
    if (!chunk || chunk.rows >= ROWS_PER_INSERT || chunk.values.length >= INSERT_CHARACTERS) chunks.push((chunk = { rows: 0, values: '' }));
    const values = [
      literal(operation.opid), ...positions(transaction, operation).map(literal), text, literal(this.#host.slice(0, database.limits.hostCharacters)), literal(operation.schema),
      literal(operation.table === '' ? SCHEMA_TABLE : operation.table), this.#port, this.#timestamp(operation.seconds), literal(operation.type),
    ];
    chunk.values += `${chunk.rows++ === 0 ? '' : ','}(${values.join(',')})`;
  }

  /** Queues all of them: before the lane changes. */
  async flush(): Promise<void> {
    for (const [database, chunks] of this.#pending) {
      // Positional on purpose: the 12 columns in their order are the contract.
      for (const { values } of chunks) await this.#lanes.write(`INSERT INTO ${quoteTable(database, INFORMATION_TABLE)} VALUES ${values}`, null);
    }
    this.#pending.clear();
  }

  /** UTC text for a session whose time zone is +00:00. Most operations are of the second of the one before. */
  #timestamp(seconds: number): string {
    if (this.#second.seconds !== seconds) {
      const clamped = Math.min(Math.max(seconds, FIRST_SECOND), LAST_SECOND);
      this.#second = { seconds, text: literal(new Date(clamped * 1000).toISOString().slice(0, 19).replace('T', ' ')) };
    }
    return this.#second.text;
  }
}

/** Readers of the binlog between two positions look for rows there: DDL has none, and goInception writes none for it. */
function positions({ start, end }: StoredTransaction, { ddl }: StoredOperation): (string | number)[] {
  return ddl ? ['', 0, '', 0] : [start.file, start.offset, end.file, end.offset];
}
