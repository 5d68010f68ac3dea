/**
 * A reporter for test/run.ts: what failed, as a line of JSON each, as it happens.
 * Plain JavaScript, because node loads a reporter before anything that could read TypeScript.
 * @param {AsyncIterable<import('node:test/reporters').TestEvent>} events
 */
export default async function* failures(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:fail') continue;
    const { cause, failureType } = data.details.error;
    yield `${JSON.stringify({ file: data.file, name: data.name, reason: String(cause?.message ?? cause), bySubtests: failureType === 'subtestsFailed' })}\n`;
  }
}
