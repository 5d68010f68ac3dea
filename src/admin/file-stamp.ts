import { statSync } from 'node:fs';

/** Another text once a file was changed or replaced, also by a link to another one; `missing` when it is not there. */
export function fileStamp(path: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return 'missing';
  }
}
