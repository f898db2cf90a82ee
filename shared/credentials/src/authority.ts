import { execFile } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AuthorityFailed } from './failures.ts';

/**
 * The private certificate authority, by openssl: Debian has it, and what Node lacks for making certificates brings 18
 * packages as a library (@peculiar/x509 2.2.0), or RSA alone (node-forge). Keys go from file to file, never through
 * arguments. It signs servers' certificates and nothing else: clients prove who they are by their nkeys.
 */

const authorityDays = 3650;
const serverDays = 397;
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

/** Files of the authority, in its own folder. The key leaves it never. */
export const authorityFiles = { certificate: 'ca.crt', key: 'ca.key' } as const;

/** Makes the authority's key and certificate in a folder. @throws {AuthorityFailed} */
export async function makeAuthority(dir: string): Promise<void> {
  await openssl([
    ...['req', '-x509', '-new', ...newKey, '-subj', '/CN=Fairway', '-days', `${authorityDays}`],
    ...['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ...['-keyout', join(dir, authorityFiles.key), '-out', join(dir, authorityFiles.certificate)],
  ]);
  await chmod(join(dir, authorityFiles.certificate), 0o600);
}

/**
 * Makes a key and a certificate for a server at this address, for its clients and its routes, as `server.key` and
 * `server.crt` of a folder. @throws {AuthorityFailed}
 */
export async function makeServerCertificate(
  authorityDir: string,
  dir: string,
  server: { readonly name: string; readonly address: string },
): Promise<void> {
  const request = join(dir, 'server.csr');
  const extensions = join(dir, 'server.ext');
  const names = [`${isIP(server.address) ? 'IP' : 'DNS'}:${server.address}`, 'IP:127.0.0.1', 'DNS:localhost'];
  await writeFile(
    extensions,
    [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
      `subjectAltName=${names.join(',')}`,
      '',
    ].join('\n'),
  );
  await openssl([
    ...['req', '-new', ...newKey, '-subj', `/CN=${server.name}`],
    ...['-keyout', join(dir, 'server.key'), '-out', request],
  ]);
  await openssl([
    ...['x509', '-req', '-in', request, '-extfile', extensions, '-days', `${serverDays}`],
    ...['-CA', join(authorityDir, authorityFiles.certificate), '-CAkey', join(authorityDir, authorityFiles.key)],
    ...['-set_serial', `0x${randomBytes(16).toString('hex')}`, '-out', join(dir, 'server.crt')],
  ]);
}

/** Until when a certificate is good. */
export async function expiresAt(file: string): Promise<Date> {
  return new Date(new X509Certificate(await readFile(file)).validTo);
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)('openssl', args);
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: string };
    const missing = code === 'ENOENT' ? 'openssl is missing: apt-get install openssl' : undefined;
    throw new AuthorityFailed(missing ?? `openssl ${args[0]}: ${stderr?.trim().split('\n').at(-1)}`, { cause });
  }
}
