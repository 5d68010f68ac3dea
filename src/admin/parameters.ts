import { UndoError } from '../core/errors.ts';
import { TEXT_FINDS_ONLY, type ParameterInfo, type ParameterName, type RawParameters } from '../script/index.ts';

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
      if (name === 'text') throw new UndoError('USAGE', `text is for /v1/operations and /v1/transactions: ${TEXT_FINDS_ONLY}.`, { fix: 'Find the operations with it, and name them with opid.' });
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
