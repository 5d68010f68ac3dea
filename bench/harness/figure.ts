/** What a benchmark found: one row of the table that `npm run bench` prints. */
export interface Figure {
  /** As in docs/benchmarks.md. */
  readonly name: string;
  /** Server kind, or what else tells equal figures apart. */
  readonly on: string;
  /** Median of `runs`. */
  readonly value: number;
  readonly unit: string;
  readonly target?: Target;
  /** Absolute figures behind a ratio, and anything a reader needs to judge it. */
  readonly detail: string;
  /** The paired runs, in order. */
  readonly runs: readonly number[];
}

export type Target = { readonly least: number } | { readonly most: number };

export function isMet({ value, target }: Figure): boolean | null {
  if (!target) return null;
  return 'least' in target ? value >= target.least : value <= target.most;
}

/** A figure that is the median of its runs. */
export function figure(name: string, on: string, runs: readonly number[], unit: string, target: Target | undefined, detail: string): Figure {
  return { name, on, value: median(runs), unit, runs, detail, ...(target && { target }) };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** Each value of `a` by its partner in `b`: what was measured side by side is compared side by side. */
export function ratios(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value / b[i]!);
}

export function short(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** `12.3`, `123 k`, `1.23 M`. */
export function rate(perSecond: number): string {
  if (perSecond < 1e3) return short(perSecond);
  return perSecond >= 1e6 ? `${(perSecond / 1e6).toFixed(2)} M` : `${short(perSecond / 1e3)} k`;
}

/** `>= 2.5`, `<= 256.6`, `>= 500,000`. */
export function bound(target: Target): string {
  const [sign, value] = 'least' in target ? ['>=', target.least] : ['<=', target.most];
  return `${sign} ${value.toLocaleString('en', { maximumFractionDigits: 2 })}`;
}

export function table(figures: readonly Figure[]): string {
  const rows = figures.map((found) => {
    const met = isMet(found);
    return [found.name, found.on, `${short(found.value)} ${found.unit}`, found.target ? bound(found.target) : '', met === null ? '' : met ? 'met' : 'NOT MET', found.detail];
  });
  const head = ['figure', 'on', 'value', 'target', '', 'detail'];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  return [head, ...rows].map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n');
}
