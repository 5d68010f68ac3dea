import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks until the answer is there. Nothing is asserted about how long that takes; the limit only turns a hang into a
 * failure that says what was waited for.
 * @param answer null, undefined or false: not yet.
 */
export async function until<T>(what: string, answer: () => Promise<T | null | undefined | false> | T | null | undefined | false, seconds = 600): Promise<T> {
  const limit = performance.now() + seconds * 1000;
  for (;;) {
    const found = await answer();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > limit) throw new Error(`not within ${seconds} s: ${what}`);
    await pause(20);
  }
}
