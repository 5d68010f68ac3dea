import { PROBLEM_TYPE } from './problem.ts';
import { ROUTES, type RouteInfo } from './routes.ts';
import { PROBLEM, type Schema } from './schemas.ts';

/** The OpenAPI 3.1 description, from the very schemas that validate requests. */
export function openApi(version: string): Schema {
  return {
    openapi: '3.1.0',
    info: { title: 'binlog-undo', version, description: 'The undo log over HTTP. Read-only: nothing here changes the source or the log.', license: { name: 'MIT', identifier: 'MIT' } },
    paths: Object.fromEntries((Object.values(ROUTES) as RouteInfo[]).map((route) => [route.path, Object.fromEntries(route.methods.map((method) => [method.toLowerCase(), operation(route, method)]))])),
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Required unless the API listens on loopback without a token.' } },
    },
  };
}

function answerHeaders(route: RouteInfo): Schema {
  const header = (description: string): Schema => ({ description, schema: { type: 'string' } });
  return {
    'x-request-id': header('The id that the request brought under this name, or a new one; it stands in the log, in problems and in the history of scripts.'),
    ...(route.answer.type === 'text/sql' ? {
      'content-disposition': header('A file name with the id of the script.'), 'x-binlog-undo-script': header('The id of the script.'),
      'x-binlog-undo-operations': header('How many operations it undoes.'), etag: header('Weak; for a range with a given end.'),
    } : {}),
  };
}

function operation(route: RouteInfo, method: 'GET' | 'POST'): Schema {
  const properties = Object.entries((route.parameters?.properties ?? {}) as Record<string, Schema>);
  const pathParameters = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  return {
    operationId: method === 'GET' ? route.name : `${route.name}Post`,
    summary: route.summary,
    security: route.open ? [] : [{ token: [] }],
    ...(pathParameters.length > 0 ? { parameters: pathParameters } : {}),
    ...(method === 'GET' && properties.length > 0
      ? { parameters: properties.map(([name, { description, ...schema }]) => ({ name, in: 'query', description, schema: 'anyOf' in schema ? (schema.anyOf as Schema[])[1] : schema, ...('anyOf' in schema ? { style: 'form', explode: true } : {}) })) }
      : {}),
    ...(method === 'POST' && route.parameters !== null ? { requestBody: { required: true, content: { 'application/json': { schema: route.parameters } } } } : {}),
    responses: {
      200: { description: route.summary, content: { [route.answer.type]: { schema: 'schema' in route.answer ? route.answer.schema : { type: 'string' } } }, headers: answerHeaders(route) },
      ...(route.answer.type === 'text/sql' ? { 304: { description: 'The reader has it: If-None-Match names the ETag of an earlier answer, which a range with a given end has.' } } : {}),
      default: { description: 'What went wrong, and the way out.', content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } } },
    },
  };
}
