import { ANSWERS, PARAMETER_SCHEMAS, type Schema } from './schemas.ts';

/** One address of the API, as it is served and as it is documented. */
export interface RouteInfo {
  /** As in OpenAPI: what is in braces is a parameter. */
  readonly path: string;
  readonly methods: readonly ('GET' | 'POST')[];
  readonly name: string;
  readonly summary: string;
  /** Parameters: in the query of GET, in the JSON body of POST. Null: none. */
  readonly parameters: Schema | null;
  readonly answer: { readonly type: 'text/sql' } | { readonly type: 'application/json'; readonly schema: Schema };
  /** Needs no token: for supervisors, and says nothing about data. */
  readonly open: boolean;
}

const json = (schema: Schema): RouteInfo['answer'] => ({ type: 'application/json', schema });

export const ROUTES = {
  script: {
    path: '/v1/script', methods: ['GET', 'POST'], name: 'script', summary: 'The rollback script for a part of the log, streamed.',
    parameters: PARAMETER_SCHEMAS.script, answer: { type: 'text/sql' }, open: false,
  },
  plan: {
    path: '/v1/plan', methods: ['GET', 'POST'], name: 'plan', summary: 'What that script would undo, and what stands against it.',
    parameters: PARAMETER_SCHEMAS.script, answer: json(ANSWERS.plan), open: false,
  },
  operations: {
    path: '/v1/operations', methods: ['GET'], name: 'operations', summary: 'Operations of the log, newest first, with the command that undoes each.',
    parameters: PARAMETER_SCHEMAS.operations, answer: json(ANSWERS.operations), open: false,
  },
  transactions: {
    path: '/v1/transactions', methods: ['GET'], name: 'transactions', summary: 'Transactions of the log that have a matching operation, newest first, with the command that undoes each as a whole.',
    parameters: PARAMETER_SCHEMAS.operations, answer: json(ANSWERS.transactions), open: false,
  },
  scripts: {
    path: '/v1/scripts', methods: ['GET'], name: 'scripts', summary: 'Plans and scripts that were asked for, newest first: by whom, when, with what outcome.',
    parameters: PARAMETER_SCHEMAS.history, answer: json(ANSWERS.scripts), open: false,
  },
  scriptById: { path: '/v1/scripts/{id}', methods: ['GET'], name: 'scriptById', summary: 'One of them, with its progress.', parameters: null, answer: json(ANSWERS.script), open: false },
  cancelScript: {
    path: '/v1/scripts/{id}/cancel', methods: ['POST'], name: 'cancelScript', summary: 'Stops the writing of a script, by whichever process.',
    parameters: null, answer: json(ANSWERS.script), open: false,
  },
  gaps: { path: '/v1/gaps', methods: ['GET'], name: 'gaps', summary: 'What the log does not hold.', parameters: PARAMETER_SCHEMAS.source, answer: json(ANSWERS.gaps), open: false },
  status: { path: '/v1/status', methods: ['GET'], name: 'status', summary: 'How far the log reaches.', parameters: PARAMETER_SCHEMAS.source, answer: json(ANSWERS.status), open: false },
  livez: { path: '/livez', methods: ['GET'], name: 'livez', summary: 'The process answers.', parameters: null, answer: json(ANSWERS.alive), open: true },
  readyz: { path: '/readyz', methods: ['GET'], name: 'readyz', summary: 'The ledger can be read.', parameters: null, answer: json(ANSWERS.ready), open: true },
  openapi: { path: '/openapi.json', methods: ['GET'], name: 'openapi', summary: 'This description.', parameters: null, answer: json({ type: 'object' }), open: true },
} as const satisfies Record<string, RouteInfo>;

/** The path as the HTTP framework writes it. */
export function routePattern(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

const PATTERNS = (Object.values(ROUTES) as RouteInfo[]).map((route) => ({
  route, pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}));

/** The route of an address, without regard to the method. */
export function routeOf(url: string): RouteInfo | undefined {
  const path = url.split('?')[0] ?? '';
  return PATTERNS.find(({ pattern }) => pattern.test(path))?.route;
}
