import type { Position } from '../core/position.ts';
import type { GtidEvent } from '../binlog/events.ts';
import type { Copy } from './copies.ts';
import { opidTime } from './opid.ts';
import type { CapturedGap, CapturedOperation, DdlSession } from './types.ts';

/** What an operation is made of. */
export interface NewOperation {
  readonly schema: string;
  readonly table: string;
  readonly type: string;
  readonly seconds: number;
  readonly statement: Buffer | null;
  readonly charset: number | null;
  readonly ddl: boolean;
  readonly copy: Copy | null;
  readonly session: DdlSession | null;
}

const SPILL_OPERATIONS = 1000;

/** What is known of the transaction whose events are arriving. */
export class OpenTransaction {
  readonly start: Position;
  readonly gtid: string | null;
  readonly serverId: number;
  readonly commitMicros: number | null;
  readonly twoPhaseAlter: GtidEvent['twoPhaseAlter'];
  threadId: number;
  /** Begun by BEGIN, XA START or MariaDB's GTID of a group: what follows ends with a commit event. */
  grouped = false;
  #operations: CapturedOperation[] = [];
  readonly gaps: CapturedGap[] = [];
  /** The script of ours that this is a run of, told by its mark. */
  script: string | null = null;
  /** Ends with XA PREPARE. */
  xa = false;
  /** Some operations were handed on before the end: there were too many to keep. */
  spilled = false;
  rolledBack = false;
  readonly #savepoints: { name: string; operations: number }[] = [];
  /** The table whose rows came first in the statement that is arriving, and its operation. */
  #key: string | null = null;
  #operation: CapturedOperation | null = null;
  /** The same of the further tables, by name: few statements have any, and a Map for each transaction costs more than its decoding. */
  #further: Map<string, CapturedOperation | null> | null = null;
  #seq = 0;

  readonly #life: number;

  /** @param life see `opidTime`. */
  constructor(event: GtidEvent, life: number) {
    this.#life = life;
    this.start = { file: event.header.file, offset: event.header.start };
    this.gtid = event.gtid;
    this.serverId = event.header.serverId;
    this.commitMicros = event.commitMicros;
    this.twoPhaseAlter = event.twoPhaseAlter;
    this.threadId = event.threadId ?? 0;
    this.grouped = event.opensGroup;
  }

  /** The operation of this statement on this table: null when it is not captured, undefined before its first rows. */
  operationOf(key: string): CapturedOperation | null | undefined {
    return key === this.#key ? this.#operation : this.#further?.get(key);
  }

  /** Adds the operation of this statement on this table. Counted also when filtered out: filters of today must not change the ids of what they keep. */
  addRows(key: string, operation: NewOperation | null): CapturedOperation | null {
    const made = this.#add(operation);
    if (this.#key === null) {
      this.#key = key;
      this.#operation = made;
    } else (this.#further ??= new Map<string, CapturedOperation | null>()).set(key, made);
    return made;
  }

  addDdl(operation: NewOperation | null): CapturedOperation | null {
    return this.#add(operation);
  }

  #add(operation: NewOperation | null): CapturedOperation | null {
    this.#seq++;
    if (!operation) return null;
    const { schema, table, type, seconds, statement, charset, ddl, copy, session } = operation;
    // Written out: a spread takes several times as long, and there is one for each statement of the source.
    const made: CapturedOperation = {
      schema, table, type, seconds, statement, charset, ddl, copy, session, seq: this.#seq, opid: opidTime(seconds, this.threadId, this.start, this.#seq, this.#life),
      inserted: 0, updated: 0, deleted: 0, partial: false, rolledBack: false,
    };
    // Room for one only, since most transactions have one.
    if (this.#operations.length === 0) this.#operations = [made];
    else this.#operations.push(made);
    return made;
  }

  /** Hands out what the transaction leaves: DDL, and operations with rows. */
  takeOperations(): readonly CapturedOperation[] {
    const taken = this.#operations;
    this.#operations = [];
    return taken.every(leavesSomething) ? taken : taken.filter(leavesSomething);
  }

  /**
   * Hands out complete operations of a transaction that has very many, so that memory stays flat; null while there are few.
   * To be called between statements. With a savepoint open a ROLLBACK TO may still concern them: then they stay.
   */
  takeSpill(): readonly CapturedOperation[] | null {
    if (this.#operations.length < SPILL_OPERATIONS || this.#savepoints.length > 0) return null;
    this.spilled = true;
    return this.takeOperations();
  }

  endStatement(): void {
    this.#key = null;
    this.#operation = null;
    this.#further = null;
  }

  savepoint(name: string): void {
    this.endStatement();
    const same = this.#savepoints.findIndex((savepoint) => savepoint.name === name);
    if (same >= 0) this.#savepoints.splice(same, 1);
    this.#savepoints.push({ name, operations: this.#operations.length });
  }

  /** @returns false when no such savepoint was logged, which a complete binlog rules out. */
  rollbackTo(name: string): boolean {
    this.endStatement();
    const found = this.#savepoints.findIndex((savepoint) => savepoint.name === name);
    if (found < 0) return false;
    this.#savepoints.length = found + 1;
    this.#rollBack(this.#savepoints[found]!.operations);
    return true;
  }

  rollbackAll(): void {
    this.rolledBack = true;
    this.#rollBack(0);
  }

  #rollBack(from: number): void {
    // DDL cannot be rolled back: a failed CREATE OR REPLACE logs BEGIN, DROP, ROLLBACK, and the drop is real.
    for (const operation of this.#operations.slice(from)) if (!operation.ddl) operation.rolledBack = true;
  }
}

function leavesSomething({ ddl, inserted, updated, deleted }: CapturedOperation): boolean {
  return ddl || inserted + updated + deleted > 0;
}
