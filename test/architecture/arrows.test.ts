import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseModule, readModules } from './module-graph.ts';
import { ARROWS, breaches } from './rules.ts';

/** Breaches of a made-up tree, given as path and text. */
function breachesOf(files: Readonly<Record<string, string>>): string[] {
  return breaches(Object.entries(files).map(([path, text]) => parseModule(path, text)));
}

describe('the arrows between the rooms of src/', () => {
  it('hold in this tree', () => {
    const modules = readModules(join(import.meta.dirname, '../../src'));
    assert.ok(modules.length > 0);
    assert.deepEqual(breaches(modules), []);
  });

  it('are themselves without a circle', () => {
    const rooms = Object.entries(ARROWS).map(([room, targets]) => ({
      path: `${room}/room.ts`,
      imports: targets.map((target) => `${target}/room.ts`),
      packages: [],
      generatesCode: false,
    }));
    assert.deepEqual(breaches(rooms), []);
  });
});

describe('the checker', () => {
  it('lets an import along the arrows pass', () => {
    assert.deepEqual(breachesOf({ 'capture/a.ts': "import { b } from '../binlog/b.ts';", 'binlog/b.ts': 'export const b = 1;' }), []);
  });

  for (const [form, text] of [
    ['a plain import', "import { b } from '../cli/b.ts';"],
    ['a type import', "import type { B } from '../cli/b.ts';"],
    ['a re-export', "export { b } from '../cli/b.ts';"],
    ['an import for its effects', "import '../cli/b.ts';"],
    ['a dynamic import', "export const b = () => import('../cli/b.ts');"],
  ] as const) {
    it(`names ${form} against the arrows`, () => {
      assert.deepEqual(breachesOf({ 'store/a.ts': text }), ['store/a.ts imports cli/b.ts: store may import only core, binlog, schema, capture']);
    });
  }

  it('does not take an import in a comment or a string for one', () => {
    assert.deepEqual(breachesOf({ 'core/a.ts': "// import { b } from '../cli/b.ts';\nexport const text = \"import '../cli/b.ts'\";" }), []);
  });

  it('names a circle of files inside a room', () => {
    assert.deepEqual(breachesOf({ 'core/a.ts': "import './b.ts';", 'core/b.ts': "import './c.ts';", 'core/c.ts': "import './a.ts';" }), [
      'imports go round: core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts',
    ]);
  });

  it('names a file in no room and an import from outside src/', () => {
    assert.match(breachesOf({ 'attic/a.ts': '' })[0] ?? '', /no known room/);
    assert.match(breachesOf({ 'core/a.ts': "import '../../test/x.ts';" })[0] ?? '', /outside src/);
  });

  it('keeps the transport package in source', () => {
    const text = "import ZongJi from '@vlasky/zongji';";
    assert.deepEqual(breachesOf({ 'source/a.ts': text }), []);
    assert.match(breachesOf({ 'capture/a.ts': text })[0] ?? '', /only source knows it/);
  });

  it('keeps code generation in rollback', () => {
    for (const text of ["export const f = new Function('return 1');", "export const f = Function('return 1');", "eval('1');"]) {
      assert.deepEqual(breachesOf({ 'rollback/a.ts': text }), []);
      assert.match(breachesOf({ 'binlog/a.ts': text })[0] ?? '', /only rollback does that/);
    }
    assert.deepEqual(breachesOf({ 'binlog/a.ts': '// new Function is for rollback\nexport type F = Function;' }), []);
  });
});
