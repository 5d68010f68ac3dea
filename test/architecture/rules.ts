import type { Module } from './module-graph.ts';

/** The rooms of src/ and what each may import besides itself: docs/architecture.md draws the same. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  binlog: ['core'],
  metrics: ['core'],
  source: ['core', 'binlog'],
  schema: ['core', 'binlog'],
  rollback: ['core', 'binlog', 'schema'],
  capture: ['core', 'binlog', 'schema'],
  store: ['core', 'binlog', 'schema', 'capture'],
  projection: ['core', 'binlog', 'schema', 'rollback', 'store'],
  fanout: ['core', 'binlog', 'schema', 'rollback', 'store'],
  script: ['core', 'binlog', 'schema', 'rollback', 'store', 'source', 'capture'],
  admin: ['core', 'config', 'script', 'store', 'schema', 'metrics'],
  cli: ['core', 'config', 'binlog', 'metrics', 'source', 'schema', 'rollback', 'capture', 'store', 'projection', 'fanout', 'script', 'admin'],
};

/** Packages and abilities that belong to one room only. */
const PACKAGE_ROOMS: Readonly<Record<string, string>> = { '@vlasky/zongji': 'source', kafkajs: 'fanout', 'prom-client': 'metrics' };
const CODE_GENERATION_ROOM = 'rollback';

function roomOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

/** Every breach of the rules, one sentence each. */
export function breaches(modules: readonly Module[]): string[] {
  return [...modules.flatMap(moduleBreaches), ...cycles(modules)];
}

function moduleBreaches(module: Module): string[] {
  const room = roomOf(module.path);
  const allowed = ARROWS[room];
  if (allowed === undefined) return [`${module.path} is in no known room; test/architecture/rules.ts lists them`];
  const found: string[] = [];
  for (const target of module.imports) {
    const targetRoom = roomOf(target);
    if (target.startsWith('..')) found.push(`${module.path} imports ${target}, which is outside src/`);
    else if (targetRoom !== room && !allowed.includes(targetRoom)) found.push(`${module.path} imports ${target}: ${room} may import only ${allowed.join(', ') || 'nothing'}`);
  }
  for (const [owned, owner] of Object.entries(PACKAGE_ROOMS)) {
    if (room !== owner && module.packages.some((name) => name === owned || name.startsWith(`${owned}/`))) found.push(`${module.path} imports ${owned}: only ${owner} knows it`);
  }
  if (room !== CODE_GENERATION_ROOM && module.generatesCode) found.push(`${module.path} makes code from text: only ${CODE_GENERATION_ROOM} does that`);
  return found;
}

/** One sentence for every import that closes a circle of files. */
function cycles(modules: readonly Module[]): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push(`imports go round: ${[...trail.slice(start), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of byPath.get(path)?.imports ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const module of modules) visit(module.path, []);
  return found;
}
