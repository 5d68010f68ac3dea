import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../core/log.ts';
import { HTTP_DIALECT, openScript, scriptTag, type RawParameters } from '../script/index.ts';
import type { RequestEngine } from './engine.ts';

/** Whether the client takes gzip; `q=0` says no. */
export function takesGzip(header: string | undefined): boolean {
  return (header ?? '').split(',').some((item) => {
    const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    return (coding === 'gzip' || coding === '*') && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

const knows = (header: string | undefined, tag: string): boolean => (header ?? '').split(',').map((item) => item.trim()).some((item) => item === '*' || item.replace(/^W\//, '') === tag.replace(/^W\//, ''));

/**
 * Sends a script while it is made. Everything that can be refused is refused before the first byte; after it, an error breaks the
 * connection, compressed or not: no COMMIT was sent.
 * @param leave called when the request has let go of everything.
 */
export async function sendScript(request: FastifyRequest, reply: FastifyReply, engine: RequestEngine, raw: RawParameters, log: Logger, leave: () => void): Promise<unknown> {
  let streaming = false;
  const end = async (): Promise<void> => {
    leave();
    await engine[Symbol.asyncDispose]();
  };
  try {
    const { plan, bytes, notSent } = await openScript(engine.context, raw, HTTP_DIALECT);
    const tag = scriptTag(plan);
    reply.header('vary', 'accept-encoding').header('x-binlog-undo-script', plan.id).header('x-binlog-undo-operations', String(plan.totals.operations));
    if (tag !== null) reply.header('etag', tag);
    if (tag !== null && knows(request.headers['if-none-match'], tag)) {
      await notSent('The reader has it: the same range, options and tables as before.');
      return await reply.code(304).send();
    }
    const stream = Readable.from(bytes, { objectMode: true, highWaterMark: 2 });
    stream.once('error', (error) => {
      log.warn({ event: 'script_broken', script: plan.id, request: request.id, error }, 'A script broke off before its COMMIT');
    });
    stream.once('close', () => void end());
    streaming = true;
    reply.header('content-type', 'text/sql; charset=utf-8').header('content-disposition', `attachment; filename="${plan.options.format === 'check' ? 'check' : 'undo'}-${plan.id}.sql"`);
    if (!takesGzip(request.headers['accept-encoding'])) return await reply.send(stream);
    const gzip = createGzip({ level: constants.Z_BEST_SPEED });
    // A gzip stream without its end is broken for whoever unpacks it, as the connection is.
    stream.once('error', (error) => { gzip.destroy(error); });
    gzip.once('close', () => { stream.destroy(); });
    return await reply.header('content-encoding', 'gzip').send(stream.pipe(gzip));
  } finally {
    if (!streaming) await end();
  }
}
