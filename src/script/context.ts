import type { Connection } from 'mysql2/promise';
import type { Position } from '../core/position.ts';
import type { ServerEndpoint } from '../core/mysql.ts';
import type { Ledger } from '../store/ledger.ts';
import type { SourceRecord, StoredCheckpoint } from '../store/registry.ts';

/** How far the log is complete: the checkpoint, or further where all that follows, up to `target`, needs no place in the log. */
export type ReachProver = (source: SourceRecord, checkpoint: StoredCheckpoint, target: Position) => Promise<Position>;

/** The source whose configuration is at hand; others of the same ledger are known from the ledger alone. */
export interface LiveSource {
  readonly alias: string;
  readonly endpoint: ServerEndpoint;
  readonly prove: ReachProver;
}

/** What every request works with. */
export interface ScriptContext {
  /** To the backup server, for this request alone. */
  readonly connection: Connection;
  readonly ledger: Ledger;
  readonly live: LiveSource | null;
  /** Who asks, for the history of scripts: a user or a token's name, and where from. */
  readonly requester: { readonly name: string; readonly client: string };
  /** Of this program, for the head of scripts. */
  readonly version: string;
  readonly signal?: AbortSignal;
}
