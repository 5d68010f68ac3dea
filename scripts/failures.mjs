/**
 * A reporter: what failed, a line each with the first line of the error, as it happens.
 * Plain JavaScript, because node loads a reporter before anything that could read TypeScript.
 * @param {AsyncIterable<import('node:test/reporters').TestEvent>} events
 */
export default async function* failures(events) {
  for await (const { type, data } of events) {
    // A suite that failed by its tests has nothing to add to them.
    if (type !== 'test:fail' || data.details.error.failureType === 'subtestsFailed') continue;
    const { cause } = data.details.error;
    yield `${data.file}: ${data.name}: ${String(cause?.message ?? cause).split('\n', 1)[0]}\n`;
  }
}
