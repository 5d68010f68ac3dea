import type { startAdmin } from '../admin/index.ts';

/**
 * The HTTP API, whose web framework is read only where there is an API to serve: it is a good part of a command's time to start.
 * Not written out where it is used: tsc leaves the path of an import() as it is inside a body with `await using`.
 */
export async function openAdmin(...args: Parameters<typeof startAdmin>): ReturnType<typeof startAdmin> {
  const admin = await import('../admin/index.ts');
  return admin.startAdmin(...args);
}
