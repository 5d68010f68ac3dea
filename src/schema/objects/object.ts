/** Objects that hold no rows of their own; TRIGGERS are all triggers of one table, which is what their entry is called by. */
export type ObjectKind = 'DATABASE' | 'VIEW' | 'PROCEDURE' | 'FUNCTION' | 'EVENT' | 'SEQUENCE' | 'TRIGGERS';

export interface ObjectName {
  readonly schema: string;
  readonly kind: ObjectKind;
  /** Empty for a database. */
  readonly name: string;
}

/** The session that an object was made in: the server keeps it with the object, and reads its text with it. */
export interface ObjectSession {
  /** As SET takes it: a quoted list, or the number of an event. */
  readonly sqlMode: string | null;
  /** Bits of it that decide how the text is read; see `sqlModeBits`. */
  readonly readWith: number;
  /** Null where the text would have to be in another character set than UTF-8. */
  readonly client: string | null;
  readonly connection: string;
  readonly timeZone: string | null;
}

export interface ObjectText {
  readonly name: string;
  /** What SHOW CREATE prints; of a database the options of its ALTER DATABASE. */
  readonly sql: string;
  readonly session: ObjectSession | null;
  /** Of routines: every characteristic that ALTER can change, defaults too. */
  readonly characteristics: string | null;
  /** Of triggers: `BEFORE INSERT`. Those with the same fire in the order in which they stand. */
  readonly moment: string | null;
  /** Of `printOf`, as the source computed it; null where it is not known: the text is an event's, or was read before there were any. */
  readonly print?: string | null;
}

/** Stored as JSON in the ledger: plain data only. */
export interface ObjectDefinition {
  /** One; of a table's triggers all, in the order of firing. */
  readonly texts: readonly ObjectText[];
}

/** Routines and events are called without regard to letter case. */
const ANY_CASE = new Set<ObjectKind>(['PROCEDURE', 'FUNCTION', 'EVENT']);

export function objectKey({ schema, kind, name }: ObjectName): string {
  return `${schema}\0${kind}\0${ANY_CASE.has(kind) ? name.toLowerCase() : name}`;
}
