import { CONFLICT_MODES, FIND_PARAMETERS, HISTORY_PARAMETERS, SCRIPT_PARAMETERS, SELECTION_PARAMETERS, type ParameterInfo } from '../script/index.ts';

/** JSON Schema as far as it is used here; plain data, so that validation and documentation share it. */
export type Schema = Readonly<Record<string, unknown>>;

function parameterSchema(info: ParameterInfo): Schema {
  const one: Schema = {
    ...(info.kind === 'integer' ? { type: 'integer', minimum: 0 } : info.kind === 'boolean' ? { type: 'boolean' } : { type: 'string', minLength: 1 }),
    ...(info.values ? { enum: [...info.values] } : {}),
  };
  return info.repeat ? { description: info.doc, anyOf: [one, { type: 'array', items: one, maxItems: 1000 }] } : { description: info.doc, ...one };
}

function objectOf(parameters: Readonly<Record<string, ParameterInfo>>): Schema {
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(Object.entries(parameters).map(([name, info]) => [name, parameterSchema(info)])) };
}

const SOURCE = { source: SELECTION_PARAMETERS.source } as const;

/** Parameters of each request. */
export const REQUESTS = {
  script: { ...SELECTION_PARAMETERS, ...SCRIPT_PARAMETERS },
  operations: { ...SELECTION_PARAMETERS, ...FIND_PARAMETERS },
  history: HISTORY_PARAMETERS,
  source: SOURCE,
} as const satisfies Record<string, Readonly<Record<string, ParameterInfo>>>;

export const PARAMETER_SCHEMAS = { script: objectOf(REQUESTS.script), operations: objectOf(REQUESTS.operations), history: objectOf(REQUESTS.history), source: objectOf(REQUESTS.source) } as const;

const text: Schema = { type: 'string' };
const textOrNull: Schema = { type: ['string', 'null'] };
const count: Schema = { type: 'integer', minimum: 0 };
const object = (properties: Readonly<Record<string, Schema>>): Schema => ({ type: 'object', properties, required: Object.keys(properties) });
const list = (items: Schema): Schema => ({ type: 'array', items });

export const PROBLEM: Schema = object({
  type: text, title: text, status: { type: 'integer' }, code: { ...text, description: 'Stable; docs/errors.md lists all.' }, detail: text, fix: { ...text, description: 'What to do.' }, requestId: text,
});
// Beside them, of CONFLICT: `conflicts`, as a plan lists them, and the `suggested` mode.

const OPERATION: Schema = object({
  opid: text, time: text, threadId: { type: ['integer', 'null'] }, user: textOrNull, table: text, type: text, rows: count, inserted: count, updated: count, deleted: count,
  gtid: textOrNull, byScript: { ...textOrNull, description: 'Id of the script of ours that did it.' }, start: text, stop: text, sql: textOrNull, state: text, remark: { ...textOrNull, description: 'Of DDL: why it cannot be undone, or what its undo does not bring back; of copied rows: whose copy it was.' }, script: textOrNull,
});

const TRANSACTION: Schema = object({
  opid: { ...text, description: 'Of its first operation that matches.' }, time: text, threadId: { type: ['integer', 'null'] }, user: textOrNull, gtid: textOrNull, byScript: textOrNull, start: text, stop: text,
  operations: { ...count, description: 'Those that match, as all counts here.' }, otherOperations: count, rows: count,
  tables: list(object({ table: text, operations: count, inserted: count, updated: count, deleted: count })), sql: textOrNull, script: text,
});

const SIDE: Schema = object({ opid: text, position: text, gtid: textOrNull, time: text, threadId: { type: ['integer', 'null'] } });

const CONFLICT: Schema = object({
  kind: { enum: ['row', 'primary-key', 'unique-key', 'foreign-key'] }, table: text, key: text, undone: SIDE, later: SIDE,
  columns: { enum: ['restored', 'other'], description: 'restored: the later change changed what the undo puts back or finds the row by; other: other columns of the row only, so that nocascade-force with guard=changed passes and leaves them alone.' },
  changed: { anyOf: [list(text), { type: 'null' }], description: 'Columns that the later change changed; null: the row as a whole.' }, suggested: { enum: [...CONFLICT_MODES] },
});

const countOrNull: Schema = { type: ['integer', 'null'], minimum: 0 };

const SCRIPT_RECORD: Schema = object({
  id: text, kind: { enum: ['plan', 'script'] }, state: { enum: ['starting', 'running', 'complete', 'error', 'cancelled'] }, source: textOrNull,
  requester: text, client: text, version: text, asked: text, validityPoint: { anyOf: [object({ position: text, time: text }), { type: 'null' }] },
  tables: list(object({ table: text, inserted: count, updated: count, deleted: count })),
  operations: countOrNull, rows: countOrNull, statements: countOrNull, bytes: countOrNull, error: textOrNull,
  started: text, touched: { ...text, description: 'The last sign of life.' }, ended: textOrNull,
  applied: { ...textOrNull, description: 'When the log saw it applied on its source.' },
});

const LOOKED: Schema = {
  anyOf: [object({ operations: count, opid: { ...text, description: 'The oldest of them; next is the same.' }, time: text }), { type: 'null' }],
  description: 'Operations that were looked at for a text, a user or a number of rows, where that stopped there with more of the log behind it: go on with before. null: everything that was asked for was looked at, or the page is full.',
};

/** Bodies of the answers. */
export const ANSWERS = {
  plan: object({
    format: { const: 1 }, source: text, selection: list(text),
    range: object({ start: text, stop: text, stopFrom: { enum: ['asked', 'source', 'log'] }, reach: text, startTime: textOrNull, stopTime: textOrNull }),
    validityPoint: { anyOf: [object({ position: text, time: text }), { type: 'null' }] },
    transactions: count, operations: count, newest: list(OPERATION),
    tables: list(object({ table: text, operations: count, inserted: count, updated: count, deleted: count, engine: textOrNull, key: textOrNull, triggers: list(text) })),
    conflicts: object({
      mode: { enum: [...CONFLICT_MODES] }, analysed: { type: 'boolean' }, rows: count, restored: { ...count, description: 'Of the rows, those of which a later change changed what the undo restores.' },
      transactions: count, cascaded: count, leftOut: count, suggested: { anyOf: [{ enum: [...CONFLICT_MODES] }, { type: 'null' }], description: 'The mode that fits all of them.' }, listed: list(CONFLICT),
    }),
    findings: list(object({ code: text, message: text, allow: textOrNull, allowed: { type: 'boolean' }, fix: text })),
    warnings: list(text),
    scriptSize: {
      anyOf: [object({
        bytes: count, exact: { type: 'boolean', description: 'false: an estimate from its beginning.' },
        largestStatement: { type: ['integer', 'null'], minimum: 0, description: 'Bytes; null: not all statements were looked at.' },
      }), { type: 'null' }],
    },
    maxAllowedPacket: { type: ['integer', 'null'], minimum: 0, description: 'Bytes that are enough on client and server.' }, nearMisses: list(text),
  }),
  operations: object({
    source: text, next: { ...textOrNull, description: 'To be given as before for the next page.' }, looked: LOOKED, reach: text,
    operations: list(OPERATION),
  }),
  transactions: object({
    source: text, next: { ...textOrNull, description: 'To be given as before for the next page.' }, looked: LOOKED, reach: text,
    transactions: list(TRANSACTION),
  }),
  scripts: object({ scripts: list(SCRIPT_RECORD), next: { ...textOrNull, description: 'To be given as before for the next page.' } }),
  script: SCRIPT_RECORD,
  status: object({
    format: { const: 1 }, ledger: text,
    sources: list(object({
      source: text, flavour: { enum: ['mysql', 'mariadb'] },
      checkpoint: { anyOf: [object({ position: text, gtidSet: textOrNull, lastCommit: textOrNull, updated: text }), { type: 'null' }] },
      reach: textOrNull, sourcePosition: textOrNull, lagSeconds: { type: ['number', 'null'] }, transactions: count, leader: textOrNull,
      running: { type: ['boolean', 'null'] }, epoch: { type: ['integer', 'null'] }, openGaps: count, projectionBehind: { type: ['integer', 'null'] }, kafkaBehind: { type: ['integer', 'null'] },
      copies: list(object({ table: text, of: text, since: text, operations: count, rows: count })),
      era: { anyOf: [object({ since: text, filters: { type: 'object' } }), { type: 'null' }] },
    })),
  }),
  gaps: object({
    source: text,
    gaps: list(object({
      id: count, reason: text, scope: textOrNull, from: textOrNull, to: text, fromTime: textOrNull, toTime: text, detail: text,
      noted: text, acknowledged: textOrNull, note: textOrNull,
    })),
  }),
  alive: object({ status: { const: 'alive' } }),
  ready: object({ status: { const: 'ready' } }),
} as const satisfies Record<string, Schema>;
