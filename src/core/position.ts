import { UndoError } from './errors.ts';

/** A place in one source's binlog. `offset` counts bytes and may pass 2^32 (own accounting, exact to 2^53). */
export interface Position {
  readonly file: string;
  readonly offset: number;
}

const FILE = /^(.+)\.(\d{6,})$/;

/** The answer given last: every operation asks for the file that is being read. */
let last = { file: '', number: 0 };

/** The number of a binlog file: `binlog.000012` is 12. Names sort by this, never as text (Maxwell 1.44.1). */
export function fileNumber(file: string): number {
  if (file === last.file) return last.number;
  const match = FILE.exec(file);
  if (!match) throw new UndoError('POSITION_INVALID', `"${file}" is not a binlog file name.`);
  last = { file, number: Number(match[2]) };
  return last.number;
}

/** What the files of one binlog have in common: `binlog` of `binlog.000012`. */
export function fileBase(file: string): string {
  return file.slice(0, file.lastIndexOf('.'));
}

/** Negative when `a` lies before `b`. Files of different base names belong to different histories. */
export function comparePositions(a: Position, b: Position): number {
  if (a.file === b.file) return a.offset - b.offset;
  const [, baseA] = FILE.exec(a.file) ?? [];
  const [, baseB] = FILE.exec(b.file) ?? [];
  if (baseA === undefined || baseA !== baseB) {
    throw new UndoError('POSITION_INVALID', `"${a.file}" and "${b.file}" are not files of the same binlog.`);
  }
  return fileNumber(a.file) - fileNumber(b.file);
}

/** Reads `file:offset`, as mysqlbinlog and SHOW BINARY LOG STATUS give them. */
export function parsePosition(text: string): Position {
  const cut = text.lastIndexOf(':');
  const file = text.slice(0, cut);
  const offset = text.slice(cut + 1);
  if (cut < 1 || !FILE.test(file) || !/^\d{1,15}$/.test(offset)) {
    throw new UndoError('POSITION_INVALID', `"${text}" is not a binlog position.`);
  }
  return { file, offset: Number(offset) };
}

export function formatPosition(position: Position): string {
  return `${position.file}:${position.offset}`;
}
