import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';

const MIB = 1024 * 1024;
/** Percent by which the heap may grow beyond what was alive at the last full collection, before the next one. */
const GROWTH_PERCENT = 30;
/** It may always grow by so much: a full collection costs the more the less was thrown away since the last one. */
const LEAST_GROWTH = 40 * MIB;
const LOOK_MS = 1000;
/** The first V8 (Node.js 24) whose young generation may grow further. */
const WIDE_V8 = 13;
/** Bytes of each half of the young generation, as Node.js 20 and 22 have them at most. */
const HALF = 16 * MIB;

/**
 * Keeps the process about as small as what it holds. V8 lets garbage grow to several times that while memory is free: with
 * 50 MB alive, a transaction of 200,000 statements took 340 MB of resident memory, and 180 MB with a growth of 30 %. Of a small heap that
 * is too little: each few buffers of blocks would be worth a collection (docs/benchmarks.md).
 */
export function boundHeapGrowth(): void {
  let set = 0;
  const look = (): void => {
    const { used_heap_size: heap, external_memory: buffers } = getHeapStatistics();
    const percent = Math.round(Math.max(GROWTH_PERCENT, (LEAST_GROWTH / (heap + buffers)) * 100));
    // What is in use counts garbage too: small differences say nothing.
    if (Math.abs(percent - set) > set / 10) setFlagsFromString(`--heap-growing-percent=${(set = percent)}`);
  };
  look();
  setInterval(look, LOOK_MS).unref();
  if (Number.parseInt(process.versions.v8, 10) >= WIDE_V8) boundYoungGeneration(HALF);
}

/**
 * V8 13 lets the halves of the young generation double up to 32 MiB each: 277 to 317 MB of resident memory while one-row transactions were caught
 * up with, 160 to 200 under Node.js 20. Its limit can be set at the start of a process only, but whether it doubles is asked each time. What is
 * looked at behind a collection may be one doubling late; and the answer holds for all threads: one that starts later may keep the 4 MiB that it begins with.
 * @param most bytes of each half.
 */
export function boundYoungGeneration(most: number): void {
  let grows = true;
  const look = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    // The size is that of both halves: doubled, each of them is as large.
    const may = young === undefined || young.space_size <= most;
    if (may === grows) return;
    grows = may;
    setFlagsFromString(`--semi-space-growth-factor=${grows ? 2 : 1}`);
  };
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] });
}
