import { join } from 'node:path';
import { execOk, type RunningServer } from '../../deploy/provision/index.ts';
import type { Position } from '../../src/core/position.ts';

export interface BinlogRead {
  readonly rows: number;
  readonly transactions: number;
  readonly seconds: number;
  /** Seconds of processor time of the reading process. */
  readonly cpu: number;
}

/** Reads from a position to the end of the server's binlog in a process of its own. */
export async function readBinlog(mode: 'decode' | 'escape' | 'ours', from: RunningServer, { file, offset }: Position): Promise<BinlogRead> {
  const stdout = await execOk(process.execPath, [
    '--import', 'tsx', join(import.meta.dirname, 'zongji-child.ts'), mode, from.host, String(from.port), from.user, from.password, from.flavour, file, String(offset),
  ]);
  return JSON.parse(stdout) as BinlogRead;
}
