/**
 * The files that cost most, the dearest first: how long they took among others, in seconds, roughly.
 * One of them begun last would run alone at the end.
 */
const DEAR: readonly (readonly [file: string, seconds: number])[] = [
  ['test/chaos/pressure.test.ts', 450],
  ['test/deploy/helm.test.ts', 380],
  ['test/chaos/siege.test.ts', 340],
  ['test/property/undo.test.ts', 290],
  ['test/script/ddl-objects.test.ts', 270],
  ['test/ddl/through-daemon.test.ts', 215],
  ['test/e2e/large.test.ts', 200],
  ['test/ddl/random.test.ts', 190],
  ['test/conflicts/partial-keys.test.ts', 180],
  ['test/conflicts/model.test.ts', 160],
  ['test/rollback/charsets.test.ts', 150],
  ['test/e2e/odd-tables.test.ts', 145],
  ['test/e2e/sysbench.test.ts', 135],
  ['test/retention/purge.test.ts', 130],
  ['test/e2e/stream.test.ts', 125],
  ['test/erase/erase.test.ts', 120],
  ['test/demo/demo.test.ts', 115],
  ['test/e2e/online-changes.test.ts', 100],
  ['test/faults/backup-server.test.ts', 90],
  ['test/script/lasting.test.ts', 90],
  ['test/fuzz/decode-path.test.ts', 70],
  ['test/faults/failover.test.ts', 60],
  ['test/faults/connections.test.ts', 60],
  ['test/fuzz/http.test.ts', 50],
];

/** The dear ones first, the others in the order given. */
export function longestFirst(files: readonly string[]): string[] {
  const cost = new Map(DEAR);
  return files.toSorted((a, b) => (cost.get(b) ?? 0) - (cost.get(a) ?? 0));
}
