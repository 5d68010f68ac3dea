import { crc32 } from 'node:zlib';

/** Bytes of the common header of an event. */
export const HEADER = 19;
const CRC = 4;

/** The event with another body, its length and CRC32 right. */
export function withBody(event: Buffer, body: Buffer): Buffer {
  const made = Buffer.concat([event.subarray(0, HEADER), body, Buffer.alloc(CRC)]);
  made.writeUInt32LE(made.length, 9);
  return sealed(made);
}

/** Writes the CRC32 that the event should have. */
export function sealed(event: Buffer): Buffer {
  if (event.length >= HEADER + CRC) event.writeUInt32LE(crc32(event.subarray(0, -CRC)), event.length - CRC);
  return event;
}

/** A fixed linear sequence: a failure comes again with the same seed. */
export class Randomness {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}

/** The event broken in one of the ways of bad disks, bad networks and other people's software; mostly with a right length and CRC32, to get past them. */
export function mutate(event: Buffer, random: Randomness): Buffer {
  const body = Buffer.from(event.subarray(HEADER, event.length - CRC));
  const head = Buffer.from(event.subarray(0, HEADER));
  const at = random.below(body.length + 1);
  let broken = body;
  switch (random.below(9)) {
    case 0: case 1: case 2:
      for (let n = 1 + random.below(4); n > 0 && body.length > 0; n--) {
        const where = random.below(body.length);
        body[where] = random.below(2) === 0 ? random.below(256) : body[where]! ^ (1 << random.below(8));
      }
      break;
    case 3: broken = body.subarray(0, at); break;
    case 4: broken = Buffer.concat([body.subarray(0, at), Buffer.from(Array.from({ length: 1 + random.below(12) }, () => random.below(256))), body.subarray(at)]); break;
    case 5: body.fill(random.below(2) === 0 ? 0xff : 0, at, Math.min(body.length, at + 1 + random.below(8))); break;
    case 6: broken = Buffer.concat([body.subarray(0, at), body.subarray(Math.max(0, at - random.below(40)))]); break;
    case 7: head[4] = random.below(4) === 0 ? random.below(256) : [2, 4, 15, 16, 19, 23, 24, 25, 29, 30, 31, 32, 33, 34, 38, 39, 40, 42, 160, 162, 165, 166, 170][random.below(23)]!; break;
    case 8: head[[0, 5, 13, 14, 15, 16, 17, 18][random.below(8)]!] = random.below(256); break;
  }
  const made = withBody(head, broken);
  const seal = random.below(20);
  if (seal === 0) made.writeUInt32LE(random.below(2 ** 31), 9);
  if (seal === 1) made[random.below(made.length)]! ^= 1;
  return made;
}
