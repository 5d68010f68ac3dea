import { join } from 'node:path';
import { platform } from './host.ts';

/**
 * The command line that starts a program of a prefix through the prefix's own dynamic loader and libraries, so that
 * the host's libc does not matter. The process that results is the program itself: no shell stands between.
 */
export function loaderCommand(root: string, program: string, args: readonly string[]): [command: string, args: string[]] {
  const { triplet, loader } = platform();
  const libraries = join(root, 'usr/lib', triplet);
  return [join(libraries, loader), ['--inhibit-cache', '--library-path', `${libraries}:${join(root, 'usr/lib')}`, join(root, program), ...args]];
}
