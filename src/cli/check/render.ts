import type { CheckReport, Finding, ServerSummary, Severity, Side } from './report.ts';

const PLACE: Readonly<Record<Side, string>> = { source: 'the source', backup: 'the backup server', machine: 'this machine' };
const LABEL: Readonly<Record<Severity, string>> = { fault: 'FAULT', warning: 'warning', info: 'info' };

/** The report for people: plain text, no colours, the statements ready to be copied. Ends with a line end. */
export function renderCheck(report: CheckReport): string {
  const lines = [server('source', report.source), server('backup', report.backup), ''];
  for (const finding of report.findings) lines.push(...describe(finding), '');
  for (const side of ['source', 'backup', 'machine'] as const) {
    const passed = report.passed.filter((test) => test.on === side);
    if (passed.length > 0) lines.push(`ok on ${PLACE[side]}:`, ...passed.map((test) => `  ${test.found}`), '');
  }
  lines.push(verdict(report));
  return `${lines.join('\n')}\n`;
}

function server(role: string, summary: ServerSummary | null): string {
  if (summary === null) return `${role}: not reached`;
  const flavour = summary.flavour === 'mariadb' ? 'MariaDB' : 'MySQL';
  return `${role}: ${flavour} ${summary.version} (${summary.support}) at ${summary.host}:${summary.port} as "${summary.user}"`;
}

function describe({ severity, code, on, found, why, mend }: Finding): string[] {
  const lines = [`${LABEL[severity]} ${code} on ${PLACE[on]}: ${found}`, `  ${why}`];
  if (mend.sql.length > 0) lines.push(`  Run on ${PLACE[on]}:`, ...mend.sql.map((statement) => `    ${statement}`));
  if (mend.cnf.length > 0) {
    lines.push(mend.sql.length > 0 ? '  To keep it over a restart, in [mysqld] of its my.cnf:' : '  In [mysqld] of its my.cnf:', ...mend.cnf.map((line) => `    ${line}`));
  }
  if (mend.text !== null) lines.push(`  ${mend.text}`);
  return lines;
}

function verdict(report: CheckReport): string {
  const count = (severity: Severity): number => report.findings.filter((finding) => finding.severity === severity).length;
  const faults = count('fault');
  const warnings = count('warning');
  const counted = `${faults} ${faults === 1 ? 'fault' : 'faults'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  return report.ready ? `Ready: ${counted}.` : `Not ready: ${counted}.`;
}
