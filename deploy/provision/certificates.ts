import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execOk } from './exec.ts';

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  /** PKCS #8, not encrypted. */
  readonly key: string;
}

/** An authority, and a certificate for 127.0.0.1 from it, made with the machine's openssl. */
export async function makeCertificates(folder: string, name: string): Promise<Certificates> {
  const path = (file: string): string => join(folder, `${name}-${file}`);
  const openssl = (...args: string[]): Promise<unknown> => execOk('openssl', args);
  await openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name} authority`, '-keyout', path('ca.key'), '-out', path('ca.pem'));
  await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-keyout', path('key.pem'), '-out', path('request.pem'));
  await writeFile(path('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  await openssl('x509', '-req', '-days', '2', '-in', path('request.pem'), '-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-extfile', path('names'), '-out', path('cert.pem'));
  return { ca: path('ca.pem'), cert: path('cert.pem'), key: path('key.pem') };
}
