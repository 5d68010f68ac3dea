import type { BenchKind } from '../harness/context.ts';
import { figure, median, rate, ratios, short, type Figure } from '../harness/figure.ts';
import { PACK, type LogRun } from '../harness/undo-log.ts';

/** Runs of one stretch of changes, turn by turn; seconds where nothing else is said. */
export interface Measured {
  readonly native: number[];
  /** The log alone. */
  readonly captured: LogRun[];
  /** With the goInception tables. */
  readonly projected: LogRun[];
  readonly packed: LogRun[];
  readonly loaded: number[];
  /** Bytes of the log. */
  readonly disk: number[];
}

export function nothingMeasured(): Measured {
  return { native: [], captured: [], projected: [], packed: [], loaded: [], disk: [] };
}

export interface Measurement {
  readonly kind: BenchKind;
  /** What tells its figures from those of other measurements. */
  readonly on: string;
  readonly rowChanges: number;
  readonly binlogBytes: number;
  /** Held against the targets of speed. */
  readonly judged: boolean;
  readonly mostDisk?: number | undefined;
  readonly largestEvent: number;
  readonly measured: Measured;
}

/** Bytes that the daemon may take beside three times the largest event. */
const FIXED_MEMORY = 256e6;

export function mostMemory(largestEvent: number): { readonly most: number } {
  return { most: (FIXED_MEMORY + 3 * largestEvent) / 1e6 };
}

/** A figure for everything that was measured. */
export function figuresOf({ kind, on, rowChanges, binlogBytes, judged, mostDisk, largestEvent, measured }: Measurement): Figure[] {
  const { native, captured, projected, packed, loaded, disk } = measured;
  const perSecond = (seconds: readonly number[]): string => `${rate(rowChanges / median(seconds))}/s`;
  const cpu = (runs: readonly LogRun[]): string => `CPU s: daemon ${short(median(runs.map((run) => run.daemonCpu)))}, backup ${short(median(runs.map((run) => run.backupCpu)))}`;
  const captureSeconds = captured.map((run) => run.captured);
  const figures: Figure[] = [];
  const against = (name: string, own: readonly number[], theirs: readonly number[], least: number | undefined, more = ''): void => {
    if (own.length > 0 && theirs.length > 0) {
      figures.push(figure(name, on, ratios(theirs, own), 'x', judged && least !== undefined ? { least } : undefined, `${perSecond(own)} against ${perSecond(theirs)}${more}`));
    }
  };
  if (captured.length > 0) against('capture vs native replica', captureSeconds, native, 2.5, `; ${cpu(captured)}`);
  for (const { name, runs, targets, how } of [
    { name: 'projection', runs: projected, targets: { native: kind.startsWith('mysql') ? 1.3 : 0.9, load: 0.75 }, how: '' },
    { name: 'packed projection', runs: packed, targets: {}, how: `, ${PACK} statements a row` },
  ]) {
    if (runs.length === 0) continue;
    const seconds = runs.map((run) => run.projected!);
    against(`${name} vs native replica`, seconds, native, targets.native, `; ${cpu(runs)}; by ${runs.at(-1)!.way}${how}`);
    against(`${name} vs LOAD DATA`, seconds, loaded, targets.load, how && ' of a row for each change');
  }
  if (disk.length > 0) {
    figures.push(figure('disk of the log per binlog byte', on, disk.map((bytes) => bytes / binlogBytes), 'x', mostDisk === undefined ? undefined : { most: mostDisk },
      `${short(median(disk) / rowChanges)} bytes a row change, ${short(binlogBytes / rowChanges)} in the binlog`));
  }
  if (projected.length > 0) figures.push(figure('peak memory of the daemon', on, projected.map((run) => run.peakMB), 'MB', mostMemory(largestEvent), 'catching up, projection on'));
  return figures;
}
