/**
 * The files that cost most, the dearest first: their processor time with that of their servers, in seconds on a busy machine, roughly.
 * One of them begun last would run alone at the end.
 */
const DEAR: readonly (readonly [file: string, seconds: number])[] = [
  ['test/chaos/pressure.test.ts', 240],
  ['test/property/undo.test.ts', 200],
  ['test/e2e/large.test.ts', 180],
  ['test/chaos/siege.test.ts', 160],
  ['test/ddl/through-daemon.test.ts', 130],
  ['test/ddl/random.test.ts', 85],
  ['test/e2e/sysbench.test.ts', 70],
  ['test/retention/purge.test.ts', 65],
  ['test/faults/backup-server.test.ts', 60],
  ['test/conflicts/model.test.ts', 50],
  ['test/faults/failover.test.ts', 45],
  ['test/faults/connections.test.ts', 45],
  ['test/fuzz/decode-path.test.ts', 40],
  ['test/faults/backup-full.test.ts', 40],
  ['test/faults/leadership.test.ts', 30],
  ['test/fuzz/http.test.ts', 30],
  ['test/faults/incarnation.test.ts', 25],
];

/** The dear ones first, the others in the order given. */
export function longestFirst(files: readonly string[]): string[] {
  const cost = new Map(DEAR);
  return files.toSorted((a, b) => (cost.get(b) ?? 0) - (cost.get(a) ?? 0));
}
