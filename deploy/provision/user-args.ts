import { userInfo } from 'node:os';

/** Both servers refuse to run as root unless told so by name. */
export function userArgs(): string[] {
  return process.getuid?.() === 0 ? [`--user=${userInfo().username}`] : [];
}
