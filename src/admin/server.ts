import { randomUUID } from 'node:crypto';
import type { Server as HttpsServer } from 'node:https';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isLoopback } from '../config/assemble.ts';
import { UndoError, reasonOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import {
  HTTP_DIALECT, cancelScript, describePlan, findOperations, findTransactions, openPlan, readGapReport, readHistoryQuery, readScript, readScriptHistory, readStatus, type ScriptContext, type ScriptRecord,
} from '../script/index.ts';
import { requireLedger } from '../store/ledger.ts';
import type { AdminSettings } from '../config/config.ts';
import { authenticate } from './auth.ts';
import { Gate } from './gate.ts';
import type { RequestEngine } from './engine.ts';
import { openApi } from './openapi.ts';
import { requestParameters } from './parameters.ts';
import { PROBLEM_TYPE, problem, problemOf, type Problem } from './problem.ts';
import { ROUTES, routeOf, routePattern, type RouteInfo } from './routes.ts';
import { REQUESTS } from './schemas.ts';
import { narrowed, requireAllSchemas, requireScripts, sourceWithin } from './scope.ts';
import { sendScript } from './send-script.ts';
import { TlsFiles } from './tls-files.ts';
import { TokenFile, type Principal } from './tokens.ts';

export interface AdminOptions {
  /** Port 0 takes any free one. Without any token everybody is let in: for loopback only. */
  readonly settings: AdminSettings;
  readonly version: string;
  readonly log: Logger;
  /** Opens what a request works with; the signal ends with the request's connection. */
  readonly open: (signal: AbortSignal, requester: ScriptContext['requester']) => Promise<RequestEngine>;
}

export interface Admin {
  readonly port: number;
  /** Lets requests under way end for a moment, then ends them. */
  close(): Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;
const CLOSE_MS = 2000;
const REQUEST_ID = /^[\w.:-]{1,64}$/;

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
type EngineHandler = (request: FastifyRequest, reply: FastifyReply, engine: RequestEngine) => Promise<unknown>;

/** The API without a port: for tests, and for `startAdmin`. @throws UndoError CONFIG_INVALID */
export function buildAdmin(options: AdminOptions): FastifyInstance {
  const { settings, log } = options;
  const tokens = settings.tokensFile === null ? null : new TokenFile(settings.tokensFile, log);
  tokens?.check();
  const tls = settings.tls === null ? null : new TlsFiles(settings.tls, log);
  const server = fastify({
    logger: false, bodyLimit: BODY_LIMIT, forceCloseConnections: true, exposeHeadRoutes: false, https: tls?.options() ?? null,
    genReqId: ({ headers }) => (typeof headers['x-request-id'] === 'string' && REQUEST_ID.test(headers['x-request-id']) ? headers['x-request-id'] : randomUUID()),
    // Addresses that cannot even be decoded never reach a route.
    frameworkErrors: (error, request, reply) => { answerError(error, request, reply, log); },
  }) as unknown as FastifyInstance;
  tls?.follow(server.server as unknown as HttpsServer);
  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, log));
  server.setNotFoundHandler((request, reply) => send(request, reply, unknownAddress(request, reply)));
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // What is not there is told to those who may ask only.
    if (routeOf(request.url)?.open !== true) principals.set(request, authenticate(request.headers.authorization, { token: settings.token, tokens }));
    done();
  });
  serve(server, options);
  return server;
}

/** Serves the API. @throws UndoError CONFIG_INVALID when the address cannot be listened on, or a file of tokens or TLS not be read. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, tls } = options.settings;
  const server = buildAdmin(options);
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw new UndoError('CONFIG_INVALID', `The HTTP API cannot listen on ${host}:${port}: ${reasonOf(error)}.`, { fix: 'Set BINLOG_UNDO_ADMIN_PORT to a free port, or to 0 for no API.', cause: error });
  }
  if (tls === null && !isLoopback(host)) options.log.warn({ event: 'admin_plain', host }, 'The HTTP API speaks plain HTTP beyond this machine: tokens and rows go over the network unencrypted (BINLOG_UNDO_ADMIN_TLS_CERT)');
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      const ended = server.close();
      const timer = setTimeout(() => { server.server.closeAllConnections(); }, CLOSE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Who asks, from the hook that let them in. */
const principals = new WeakMap<FastifyRequest, Principal>();

function principalOf(request: FastifyRequest): Principal {
  const found = principals.get(request);
  if (!found) throw new UndoError('UNAUTHORIZED', 'The request carries no token.');
  return found;
}

function serve(server: FastifyInstance, options: AdminOptions): void {
  const { version } = options;
  const scripts = new Gate(options.settings.maxScripts);
  const handlers: Readonly<Record<keyof typeof ROUTES, Handler>> = {
    script: async (request, reply) => {
      requireScripts(principalOf(request));
      const raw = selectionOf(request, REQUESTS.script);
      const leave = scripts.enter('scripts');
      try {
        return await sendScript(request, reply, await options.open(abortSignal(reply), requesterOf(request)), raw, options.log, leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
    plan: withEngine(options, async (request, _reply, { context }) => describePlan(context, await openPlan(context, selectionOf(request, REQUESTS.script), HTTP_DIALECT))),
    operations: withEngine(options, (request, _reply, { context }) => findOperations(context, selectionOf(request, REQUESTS.operations), HTTP_DIALECT)),
    transactions: withEngine(options, (request, _reply, { context }) => findTransactions(context, selectionOf(request, REQUESTS.operations), HTTP_DIALECT)),
    scripts: withEngine(options, (request, _reply, { context }) => {
      requireAllSchemas(principalOf(request));
      const query = readHistoryQuery(parametersOf(request, REQUESTS.history), HTTP_DIALECT);
      return readScriptHistory(context, { ...query, source: sourceWithin(principalOf(request), query.source) });
    }),
    scriptById: withEngine(options, (request, _reply, { context }) => recordOf(context, request)),
    cancelScript: withEngine(options, async (request, _reply, { context }) => {
      requireScripts(principalOf(request));
      await recordOf(context, request);
      return cancelScript(context, idOf(request));
    }),
    gaps: withEngine(options, (request, _reply, { context }) => {
      requireAllSchemas(principalOf(request));
      return readGapReport(context, sourceOf(request));
    }),
    status: withEngine(options, (request, _reply, { context }) => readStatus(context, sourceOf(request))),
    livez: () => Promise.resolve({ status: 'alive' }),
    readyz: withEngine(options, async (_request, _reply, { context }) => {
      await requireLedger(context.connection, context.ledger);
      return { status: 'ready' };
    }),
    openapi: () => Promise.resolve(openApi(version)),
  };
  for (const [name, route] of Object.entries(ROUTES) as [keyof typeof ROUTES, RouteInfo][]) {
    server.route({ method: [...route.methods], url: routePattern(route.path), handler: handlers[name] });
  }
}

function parametersOf(request: FastifyRequest, known: Parameters<typeof requestParameters>[1]): ReturnType<typeof requestParameters> {
  const query = requestParameters(request.query, known);
  if (request.method === 'GET') return query;
  if (Object.keys(query).length > 0) throw new UndoError('USAGE', 'The query of a POST request holds parameters.', { fix: 'Put all of them into the JSON body.' });
  return requestParameters(request.body, known);
}

function sourceOf(request: FastifyRequest): string | null {
  const [alias] = [parametersOf(request, REQUESTS.source).source ?? []].flat();
  return sourceWithin(principalOf(request), alias ?? null);
}

/** The parameters of a selection, narrowed to what the token is for. */
function selectionOf(request: FastifyRequest, known: Parameters<typeof requestParameters>[1]): ReturnType<typeof requestParameters> {
  return narrowed(principalOf(request), parametersOf(request, known));
}

/** One entry of the history: a token for some sources or schemas sees its own. */
async function recordOf(context: ScriptContext, request: FastifyRequest): Promise<ScriptRecord> {
  const { name, scope } = principalOf(request);
  const record = await readScript(context, idOf(request));
  if ((scope.sources !== null || scope.schemas !== null) && record.requester !== name) throw new UndoError('FORBIDDEN', `The token "${name}" sees the scripts only that were asked for with it.`);
  return record;
}

const idOf = (request: FastifyRequest): string => (request.params as { readonly id: string }).id;

/** For the history of scripts. */
function requesterOf(request: FastifyRequest): ScriptContext['requester'] {
  return { name: principals.get(request)?.name ?? 'nobody', client: `HTTP from ${request.ip}, request ${request.id}` };
}

/** Ends when the client goes away before its answer is complete. */
function abortSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => { controller.abort(); });
  return controller.signal;
}

function withEngine(options: AdminOptions, handler: EngineHandler): Handler {
  return async (request, reply) => {
    await using engine = await options.open(abortSignal(reply), requesterOf(request));
    return await handler(request, reply, engine);
  };
}

function send(request: FastifyRequest, reply: FastifyReply, told: Problem): FastifyReply {
  // Also where the request was refused before any hook ran.
  reply.header('x-request-id', request.id);
  return reply.code(told.status).type(PROBLEM_TYPE).send(JSON.stringify({ ...told, requestId: request.id }));
}

function unknownAddress(request: FastifyRequest, reply: FastifyReply): Problem {
  const path = request.url.split('?')[0] ?? '';
  const route = routeOf(path);
  if (route) {
    reply.header('allow', route.methods.join(', '));
    return problem(405, 'METHOD_NOT_ALLOWED', `${path} does not take ${request.method}.`, `Use ${route.methods.join(' or ')}.`);
  }
  return problem(404, 'NOT_FOUND', `There is nothing at ${JSON.stringify(path.slice(0, 200))}.`, 'See /openapi.json for the addresses.');
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const framework = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && !(error instanceof UndoError) ? error.statusCode : null;
  if (framework !== null && framework >= 400 && framework < 500) {
    send(request, reply, problem(framework, 'BODY_INVALID', `The request cannot be read: ${reasonOf(error)}.`, 'Send parameters in the query, or as one JSON object with content-type application/json.'));
    return;
  }
  const told = problemOf(error);
  if (told.code === 'TOO_MANY') reply.header('retry-after', '5');
  if (told.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer');
  if (told.status >= 500) log.error({ event: 'request_failed', request: request.id, path: request.url.split('?')[0], error }, 'A request failed');
  send(request, reply, told);
}
