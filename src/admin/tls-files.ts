import { readFileSync } from 'node:fs';
import type { Server, ServerOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { AdminSettings } from '../config/config.ts';
import { UndoError, reasonOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { fileStamp } from './file-stamp.ts';

/** The certificate, key and authority of the API: read again when a file has changed, so that renewal needs no restart. */
export class TlsFiles {
  readonly #paths: NonNullable<AdminSettings['tls']>;
  readonly #log: Logger;
  #stamp: string;

  constructor(paths: NonNullable<AdminSettings['tls']>, log: Logger) {
    this.#paths = paths;
    this.#log = log;
    this.#stamp = this.#stampNow();
  }

  /** @throws UndoError CONFIG_INVALID, for the start. */
  options(): ServerOptions {
    try {
      return { ...this.#read(), minVersion: 'TLSv1.2', ...(this.#paths.clientCa === null ? {} : { requestCert: true, rejectUnauthorized: true }) };
    } catch (error) {
      throw new UndoError('CONFIG_INVALID', `A TLS file of the HTTP API cannot be read: ${reasonOf(error)}.`, { cause: error });
    }
  }

  /** Looks before each new connection; one that is open keeps what it began with. What cannot be used is told, and the files of before stay. */
  follow(server: Server): void {
    server.prependListener('connection', () => {
      const stamp = this.#stampNow();
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      try {
        const files = this.#read();
        // Throws for a certificate and a key that do not belong together, as between the writing of the one and of the other.
        createSecureContext(files);
        server.setSecureContext({ ...files, minVersion: 'TLSv1.2' });
        this.#log.info({ event: 'tls_read' }, 'Read the TLS files of the HTTP API again');
      } catch (error) {
        this.#log.error({ event: 'tls_unreadable', error }, 'The TLS files of the HTTP API have changed and cannot be used: those of before stay');
      }
    });
  }

  #read(): { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer } {
    const { cert, key, clientCa } = this.#paths;
    return { cert: readFileSync(cert), key: readFileSync(key), ...(clientCa === null ? {} : { ca: readFileSync(clientCa) }) };
  }

  #stampNow(): string {
    const { cert, key, clientCa } = this.#paths;
    return [cert, key, ...(clientCa === null ? [] : [clientCa])].map(fileStamp).join(', ');
  }
}
