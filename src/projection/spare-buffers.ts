const MOST = 4;
const MOST_BYTES = 4 * 1024 * 1024;

/** Buffers of rows that are sent, for the rows to come. */
export class SpareBuffers {
  readonly #buffers: Buffer[] = [];

  readonly take = (): Buffer | undefined => this.#buffers.pop();

  /** @param bytes the begin of the buffer. */
  keep({ buffer }: Buffer): void {
    if (this.#buffers.length < MOST && buffer.byteLength <= MOST_BYTES) this.#buffers.push(Buffer.from(buffer));
  }
}
