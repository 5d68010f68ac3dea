/** Members of the longest ascending subsequence: what may stay where it is while the others are moved. */
export function longestAscending(numbers: readonly number[]): ReadonlySet<number> {
  const tails: number[] = [];
  const previous = new Map<number, number | undefined>();
  for (const number of numbers) {
    let place = tails.findIndex((tail) => tail > number);
    if (place < 0) place = tails.length;
    previous.set(number, tails[place - 1]);
    tails[place] = number;
  }
  const members = new Set<number>();
  for (let at = tails.at(-1); at !== undefined; at = previous.get(at)) members.add(at);
  return members;
}

/**
 * How many of `wanted`, from its begin, may stay as they are: a server puts what is added behind what is there, so that
 * everything behind the first difference in order has to be made anew.
 */
export function keepablePrefix(wanted: readonly string[], present: readonly string[]): number {
  const places = new Map(present.map((name, i) => [name, i]));
  let last = -1;
  for (const [count, name] of wanted.entries()) {
    const place = places.get(name);
    if (place === undefined || place < last) return count;
    last = place;
  }
  return wanted.length;
}
