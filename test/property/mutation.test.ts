import assert from 'node:assert/strict';
import { it } from 'node:test';
import { wrongLiterals, type WrongLiteral } from '../rollback/support/wrong-literals.ts';
import { backup, sources } from '../support/servers.ts';
import type { CaseSpec, ColumnSpec, StepSpec } from './support/case.ts';
import { World } from './support/world.ts';

const column = (type: string, value: string): ColumnSpec => ({ type, pool: [value], notNull: false, invisible: false, name: '' });

/** One row before the window, deleted inside it. */
function caseOf({ type, value }: WrongLiteral): CaseSpec {
  const step: StepSpec = { kind: 'insert', table: 0, rows: [[1, 1]], columns: [0], where: 'all', limit: 5, ignore: false };
  return {
    tables: [{
      columns: [column('INT', '1'), column(type, value)], keys: [{ kind: 'PRIMARY KEY', columns: [0], prefix: 9 }],
      option: '', suffix: '', generated: '', generatedKey: '', touched: false, autoIncrement: false,
    }],
    prelude: [{ ending: 'autocommit', compressed: false, image: '', steps: [step] }],
    window: [{ ending: 'autocommit', compressed: false, image: '', steps: [{ ...step, kind: 'delete' }] }],
  };
}

for (const source of sources()) it(`the comparison of the property test notices wrong literals on ${source.kind}`, async () => {
  const wrongs = await wrongLiterals(source);
  await using world = await World.open(source, backup(source.flavour));
  assert.deepEqual(await world.run(wrongs.map(caseOf)), []);
  const unspoilt = new Set<string>();
  world.spoil = (statement) => {
    const index = Number(/`b\d+_(\d+)_0`/.exec(statement)?.[1]);
    const spoilt = wrongs[index]!.wrong(statement);
    if (spoilt === statement) unspoilt.add(`${wrongs[index]!.what}: the mutation does not apply to ${statement}`);
    return spoilt;
  };
  const noticed = new Set((await world.run(wrongs.map(caseOf))).map(({ index }) => wrongs[index]!.what));
  assert.deepEqual([...unspoilt], []);
  assert.deepEqual(wrongs.map(({ what }) => what).filter((what) => !noticed.has(what)), []);
});
