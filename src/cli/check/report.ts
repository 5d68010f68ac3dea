/** How bad a finding is: a fault keeps the daemon from its work, a warning costs something, an info is worth knowing. */
export type Severity = 'fault' | 'warning' | 'info';

export type Side = 'source' | 'backup' | 'machine';

/** What the operator does about a finding. */
export interface Mend {
  /** Statements to run on the server named by the finding's `on`, in this order. */
  readonly sql: readonly string[];
  /** Lines for the [mysqld] section of the server's my.cnf; they need a restart where no SQL is given. */
  readonly cnf: readonly string[];
  /** Anything that is neither. */
  readonly text: string | null;
}

export interface Finding {
  /** Stable, for machines: `BINLOG_FORMAT`. */
  readonly code: string;
  readonly severity: Severity;
  readonly on: Side;
  /** The current value. */
  readonly found: string;
  /** Why it matters, in a sentence. */
  readonly why: string;
  readonly mend: Mend;
}

/** A test that found nothing wrong. */
export interface Passed {
  readonly code: string;
  readonly on: Side;
  readonly found: string;
}

export interface ServerSummary {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly flavour: string;
  readonly version: string;
  readonly support: 'tested' | 'untested' | 'refused';
}

/** The JSON form of `check --json`. New fields may be added; `format` changes when any is changed or taken away. */
export interface CheckReport {
  readonly format: 1;
  /** True without faults. */
  readonly ready: boolean;
  readonly source: ServerSummary | null;
  readonly backup: ServerSummary | null;
  /** Faults first, then warnings, then infos. */
  readonly findings: readonly Finding[];
  readonly passed: readonly Passed[];
}

const RANK: Readonly<Record<Severity, number>> = { fault: 0, warning: 1, info: 2 };

/** Collects what the tests say. */
export class Collector {
  readonly #findings: Finding[] = [];
  readonly #passed: Passed[] = [];

  add(finding: Omit<Finding, 'mend'> & { readonly mend?: Partial<Mend> }): void {
    this.#findings.push({ ...finding, mend: { sql: [], cnf: [], text: null, ...finding.mend } });
  }

  pass(on: Side, code: string, found: string): void {
    this.#passed.push({ code, on, found });
  }

  /** Adds a finding when `wrong`, else notes the test as passed. */
  test(wrong: boolean, finding: Omit<Finding, 'mend'> & { readonly mend?: Partial<Mend> }): void {
    if (wrong) this.add(finding);
    else this.pass(finding.on, finding.code, finding.found);
  }

  /** Changes the ways out of what was found on one side. */
  adapt(on: Side, change: (finding: Finding) => Mend): void {
    for (const [at, finding] of this.#findings.entries()) if (finding.on === on) this.#findings[at] = { ...finding, mend: change(finding) };
  }

  report(source: ServerSummary | null, backup: ServerSummary | null): CheckReport {
    const findings = [...this.#findings].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
    return { format: 1, ready: findings.every((finding) => finding.severity !== 'fault'), source, backup, findings, passed: this.#passed };
  }
}

/** 0 when there is no fault, else 1. */
export function checkExitCode(report: CheckReport): 0 | 1 {
  return report.ready ? 0 : 1;
}
