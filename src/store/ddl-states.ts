import type { Connection } from 'mysql2/promise';
import type { DdlStatement, TableName } from '../binlog/sql/classify.ts';
import { rows } from '../core/mysql.ts';
import { fileNumber, type Position } from '../core/position.ts';
import type { DdlStates } from '../schema/ddl-states.ts';
import type { TableDefinition } from '../schema/definition.ts';
import type { Ledger } from './ledger.ts';
import type { StoredTransaction } from './log-reader.ts';
import type { SourceRecord } from './registry.ts';
import { presentParents } from './renamed-parents.ts';

interface EntryRow {
  readonly schema_name: string;
  readonly table_name: string;
  readonly from_number: number | string;
  readonly from_offset: number | string;
  readonly until_number: number | string | null;
  readonly until_offset: number | string | null;
  readonly proven: number | string;
  readonly definition: string | null;
  /** The DDL that is still to be run again to know what it made. */
  readonly ddl?: string | null;
}

type Place = readonly [number, number];

const compare = (a: Place, b: Place): number => a[0] - b[0] || a[1] - b[1];
const placeOf = ({ file, offset }: Position): Place => [fileNumber(file), offset];

/**
 * What the history of definitions knows around a transaction with DDL.
 * @returns null while DDL before it is still being run again: what it made will be known.
 */
export async function ddlStates(
  connection: Connection, ledger: Ledger, source: Pick<SourceRecord, 'id' | 'flavour'>, transaction: StoredTransaction, names: readonly TableName[],
): Promise<DdlStates | null> {
  const schemas = [...new Set(names.map(({ schema }) => schema))];
  const wanted = [...names, ...schemas.map((schema): TableName => ({ schema, table: '' }))];
  const found = wanted.length === 0 ? [] : await rows<EntryRow>(connection,
    `SELECT * FROM ${ledger.table('definitions')} WHERE source_id = ? AND incarnation_id = ? AND (schema_name, table_name) IN (${wanted.map(() => '(?, ?)').join(', ')})
     ORDER BY from_number, from_offset, id`, [source.id, transaction.incarnationId, ...wanted.flatMap(({ schema, table }) => [schema, table])]);
  const start = placeOf(transaction.start);
  const end = placeOf(transaction.end);
  const inside = (place: Place): boolean => compare(start, place) < 0 && compare(place, end) <= 0;
  const from = (entry: EntryRow): Place => [Number(entry.from_number), Number(entry.from_offset)];
  const until = (entry: EntryRow): Place | null => (entry.until_number === null ? null : [Number(entry.until_number), Number(entry.until_offset)]);
  const bounds = (entry: EntryRow): boolean => inside(from(entry)) || (until(entry) !== null && inside(until(entry)!));
  if (found.some((entry) => entry.table_name !== '' && bounds(entry) && typeof entry.ddl === 'string')) return null;

  const of = ({ schema, table }: TableName): EntryRow[] => found.filter((entry) => entry.schema_name === schema && entry.table_name === table);
  const readOf = ({ definition }: EntryRow): TableDefinition | null => (definition === null ? null : JSON.parse(definition) as TableDefinition);
  const near = (entry: EntryRow): boolean => bounds(entry) || (compare(from(entry), start) <= 0 && (until(entry) === null || compare(until(entry)!, start) > 0));
  const children = found.filter((entry) => entry.table_name !== '' && near(entry) && entry.definition?.includes('REFERENCES') === true);
  const asNow = await presentParents(connection, ledger, source, transaction, children.map(readOf).filter((definition) => definition !== null));
  const definitionOf = (entry: EntryRow): TableDefinition | null | undefined => {
    if (Number(entry.proven) !== 1) return undefined;
    const definition = readOf(entry);
    return definition && asNow(definition);
  };
  /** All tables of the schema were read before, so that one without an entry is not there. */
  const complete = (schema: string): boolean => of({ schema, table: '' })
    .some((entry) => Number(entry.proven) === 1 && compare(from(entry), start) <= 0 && (until(entry) === null || compare(until(entry)!, start) > 0));
  return {
    before: (name) => {
      const entry = of(name).find((candidate) => until(candidate) !== null && inside(until(candidate)!) && compare(from(candidate), start) <= 0);
      if (entry) return definitionOf(entry);
      const open = of(name).find((candidate) => compare(from(candidate), start) <= 0 && (until(candidate) === null || compare(until(candidate)!, start) > 0));
      if (open === undefined) return complete(name.schema) ? null : undefined;
      // In force from before it to after it: the statement found it there and left it alone.
      return until(open) === null || compare(until(open)!, end) > 0 ? definitionOf(open) : undefined;
    },
    after: (name) => {
      const entry = of(name).find((candidate) => inside(from(candidate)));
      return entry ? definitionOf(entry) : undefined;
    },
  };
}

/** Tables that an operation's undo asks for: DROP DATABASE names none, and has an operation for each. */
export function tablesAsked({ tables, database }: DdlStatement, { schema, table }: TableName): readonly TableName[] {
  return database !== null && table !== '' ? [{ schema, table }] : tables;
}
