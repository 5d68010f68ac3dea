/** The HTTP API over the script engine. */
export { buildAdmin, startAdmin, type Admin, type AdminOptions } from './server.ts';
export type { RequestEngine } from './engine.ts';
export { openApi } from './openapi.ts';
