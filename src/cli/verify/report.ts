import type { VerifyMeasured } from '../../metrics/verify-metrics.ts';
import { differencesOf, type VerifyReport } from './run-verify.ts';

export function verifyText(report: VerifyReport): string {
  const { compared, differences, sample } = report;
  const found = differencesOf(report);
  return `${[
    ...(compared === null ? [] : [
      `Compared "${report.source}" from ${report.from} to ${report.to}: ${compared.transactions} transactions, ${compared.operations} operations, ${compared.rows} row changes.`,
    ]),
    ...(sample === null ? [] : [
      `Looked ${sample.looks} times at rows of the source, for the newest ${sample.operations} operations of "${report.source}"${busy(sample.changedSince, 'changed meanwhile')}${busy(sample.locked, 'locked by others')}.`,
      ...sample.leftOut.map(({ table, why }) => `not all of ${table}: ${why}`),
    ]),
    ...differences.map(({ kind, position, opid, what }) => `${kind}: ${position}${opid === null ? '' : ` ${opid}`}: ${what}`),
    ...(found > differences.length ? [`... and ${found - differences.length} more`] : []),
    found === 0 ? `The log is equal to ${[...(compared ? ['the binlog'] : []), ...(sample ? ['the rows looked at'] : [])].join(' and ')}.` : `Differences: ${[
      ...(compared ? [`${compared.missing} missing, ${compared.extra} extra, ${compared.different} different`] : []), ...(sample ? [`${sample.different} live rows`] : []),
    ].join(', ')}.`,
  ].join('\n')}\n`;
}

const busy = (count: number, what: string): string => (count === 0 ? '' : `, ${count} of them ${what}`);

/** The report in numbers. */
export function measured({ compared, sample }: VerifyReport): VerifyMeasured {
  return {
    compared: {
      ...(compared && { transactions: compared.transactions, operations: compared.operations, rows: compared.rows }),
      ...(sample && { looks: sample.looks }),
    },
    differences: {
      ...(compared && { missing: compared.missing, extra: compared.extra, different: compared.different }),
      ...(sample && { live: sample.different }),
    },
  };
}
