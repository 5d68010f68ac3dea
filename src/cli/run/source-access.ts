import type { Connection } from 'mysql2/promise';
import { connectionError, rows, type ServerEndpoint } from '../../core/mysql.ts';
import type { ServerCapabilities } from '../../core/server.ts';

/** The source as a start asks it: over the control connection, and by reading its binlog for a moment. */
export interface SourceAccess {
  readonly endpoint: ServerEndpoint;
  readonly control: Connection;
  readonly capabilities: ServerCapabilities;
  readonly signal: AbortSignal;
}

/** What the source refuses must not read as the backup server's fault. */
export function asked<T>(source: ServerEndpoint, question: Promise<T>): Promise<T> {
  return question.catch((error: unknown) => {
    throw connectionError(source, error);
  });
}

/** The dump command without GTIDs takes 32 bits of offset. */
export const MOST_OFFSET = 2 ** 32 - 1;

export interface BinlogFile { readonly file: string; readonly size: number }

/** The source's binlog files, oldest first. */
export async function listBinlogs(control: Connection): Promise<BinlogFile[]> {
  const found = await rows<{ Log_name: string; File_size: string | number }>(control, 'SHOW BINARY LOGS');
  return found.map(({ Log_name: file, File_size: size }) => ({ file, size: Number(size) }));
}
