import type { Figure } from './figure.ts';

/** What a benchmark is run with. */
export interface Context {
  /** Small sizes and few turns, so that the whole suite ends within ten minutes. */
  readonly quick: boolean;
  /** Paired runs of each comparison. */
  readonly turns: number;
  /** Factor on sizes: 1 is what docs/benchmarks.md quotes. */
  readonly scale: number;
  /** Servers to measure on, one of each flavour. */
  readonly kinds: readonly BenchKind[];
  readonly log: (line: string) => void;
}

export const BENCH_KINDS = ['mysql-9.7', 'mariadb-11.8', 'mariadb-10.11'] as const;
export type BenchKind = (typeof BENCH_KINDS)[number];

export interface Benchmark {
  readonly name: string;
  /** Another name that it answers to: two names of one measurement. */
  readonly also?: string;
  /** Default: in every run. `full`: not in `--quick`, unless named; `named`: only when named. */
  readonly when?: 'full' | 'named';
  /** One line for `--help`. */
  readonly about: string;
  run(context: Context): Promise<Figure[]>;
}

/** `count` rows at full size, fewer when quick, in whole thousands. */
export function sized(context: Context, count: number, quick: number): number {
  return Math.max(1000, Math.round((context.quick ? quick : count) * context.scale / 1000) * 1000);
}
