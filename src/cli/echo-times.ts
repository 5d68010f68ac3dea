import { CLI_DIALECT, formatMicros, readSelection, type RawParameters } from '../script/index.ts';
import { note, type Io } from './io.ts';

/** Says in UTC what a local time was taken for. */
export function echoTimes(raw: RawParameters, io: Io): void {
  const { startTime, stopTime } = readSelection(raw, CLI_DIALECT);
  if (startTime?.local) note(io, `--start-datetime is ${formatMicros(startTime.micros)}`);
  if (stopTime?.local) note(io, `--stop-datetime is ${formatMicros(stopTime.micros)}`);
}
