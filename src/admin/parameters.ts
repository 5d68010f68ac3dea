import { UndoError } from '../core/errors.ts';
import type { ParameterInfo, ParameterName, RawParameters } from '../script/index.ts';

const show = (value: unknown): string => JSON.stringify(value).slice(0, 100);

/**
 * Takes the parameters of a request from its query or its JSON body; both give the same texts.
 * @throws UndoError USAGE for unknown names and values that are neither text, number, boolean nor a list of them.
 */
export function requestParameters(given: unknown, known: Readonly<Partial<Record<ParameterName, ParameterInfo>>>): RawParameters {
  if (given === undefined || given === null) return {};
  if (typeof given !== 'object' || Array.isArray(given)) throw new UndoError('USAGE', 'The body is not a JSON object.', { fix: 'Send the parameters as one JSON object.' });
  const raw: Partial<Record<ParameterName, string | string[]>> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(known, name)) {
      throw new UndoError('USAGE', `${show(name)} is not a parameter of this request.`, { fix: `It takes ${Object.keys(known).join(', ')}.` });
    }
    raw[name as ParameterName] = Array.isArray(value) ? value.map((item) => scalarText(name, item)) : scalarText(name, value);
  }
  return raw;
}

function scalarText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  throw new UndoError('USAGE', `${name} is ${show(value)}.`, { fix: 'Give text, a number, or a list of them.' });
}
