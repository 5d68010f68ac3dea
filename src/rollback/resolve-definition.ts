import type { TableMap } from '../binlog/types.ts';
import type { TableDefinition } from '../schema/definition.ts';
import { definitionFits } from './build-shape.ts';

/** A definition that may have been in force at the position of some rows. */
export interface DefinitionCandidate {
  /** Null: the table was not there when it was looked up. */
  readonly definition: TableDefinition | null;
  /** No DDL lies between the begin of its validity and its reading, or a replay of the DDL made it. */
  readonly proven: boolean;
  /** In force at the position of the rows; else it came into force after them. */
  readonly inForce: boolean;
  /** The DDL that made it is to be run again, whether it goes on or not. */
  readonly replaying?: boolean;
  /** Where DDL ended it; null or absent: it goes on. */
  readonly until?: object | null;
}

export type DefinitionVerdict =
  | { readonly kind: 'known'; readonly definition: TableDefinition }
  /** The daemon has not read the definition, or not yet passed its reading. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * Decides which definition the rows under a TABLE_MAP are to be read with: never by guess. A proven one in force counts;
 * an unproven or a later one only where TABLE_MAP carries names (binlog_row_metadata=FULL) and all of it fits, since what
 * TABLE_MAP leaves out (generated, ON UPDATE, secondary keys) is then right for the table as it is when a script runs.
 */
export function resolveDefinition(map: TableMap, candidates: readonly DefinitionCandidate[]): DefinitionVerdict {
  const full = map.metadata === 'full';
  const inForce = candidates.find((candidate) => candidate.inForce);
  // The columns of a row's period may be hidden, so that nothing fits; its rows are refused for what it is.
  if (inForce?.definition?.systemVersioned && inForce.proven) return { kind: 'known', definition: inForce.definition };
  if (inForce?.definition && (inForce.proven || full) && definitionFits(map, inForce.definition)) {
    return { kind: 'known', definition: inForce.definition };
  }
  if (full) {
    const later = candidates.find((candidate) => !candidate.inForce && candidate.definition !== null && definitionFits(map, candidate.definition));
    if (later?.definition) return { kind: 'known', definition: later.definition };
  }
  // Whoever captured the rows noted that the table is to be read; without that, or once DDL came first, no reading will come.
  if (inForce && !inForce.proven && (!inForce.until || inForce.replaying === true)) return { kind: 'pending' };
  if (!inForce?.proven) return { kind: 'unknown', why: 'the table was altered or dropped before its columns could be read' };
  if (inForce.definition === null) return { kind: 'unknown', why: 'the table was gone before its columns could be read' };
  return { kind: 'unknown', why: 'the definition on the source does not fit the binlog' };
}
