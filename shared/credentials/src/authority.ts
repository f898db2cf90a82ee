import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AuthorityFailed } from './failures.ts';

/**
 * The private certificate authority, by openssl: Debian has it, and what Node lacks for making certificates brings 18
 * packages as a library (@peculiar/x509 2.2.0), or RSA alone (node-forge). Keys go from file to file, never through
 * arguments. It signs servers' certificates and nothing else: clients prove who they are by their nkeys.
 */

const authorityDays = 3650;
const serverDays = 397;
/** A machine whose clock is behind finds a new certificate not valid yet: it is so from so long before it is made. */
const backdatedMs = 24 * 3_600_000;
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;

/** Files of the authority, in its own folder. The key leaves it never. */
export const authorityFiles = { certificate: 'ca.crt', key: 'ca.key' } as const;

/** Makes the authority's key and certificate in a folder. @throws {AuthorityFailed} */
export async function makeAuthority(dir: string): Promise<void> {
  const request = join(dir, 'ca.csr');
  const certificate = join(dir, authorityFiles.certificate);
  const key = join(dir, authorityFiles.key);
  await openssl(['req', '-new', ...newKey, '-subj', '/CN=Fairway', '-keyout', key, '-out', request]);
  await sign(['-selfsign', '-keyfile', key], request, certificate, authorityDays, [
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    'keyUsage=critical,keyCertSign,cRLSign',
  ]);
  await chmod(certificate, 0o600);
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
  const names = [`${isIP(server.address) ? 'IP' : 'DNS'}:${server.address}`, 'IP:127.0.0.1', 'DNS:localhost'];
  await openssl([
    ...['req', '-new', ...newKey, '-subj', `/CN=${server.name}`],
    ...['-keyout', join(dir, 'server.key'), '-out', request],
  ]);
  const [certificate, key] = [authorityFiles.certificate, authorityFiles.key].map((file) => join(authorityDir, file));
  await sign(['-cert', `${certificate}`, '-keyfile', `${key}`], request, join(dir, 'server.crt'), serverDays, [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth,clientAuth',
    `subjectAltName=${names.join(',')}`,
  ]);
}

/** openssl-ca(1), as openssl-x509(1) of Debian 12 (3.0) takes no time from which a certificate is to be valid. */
async function sign(
  by: readonly string[],
  request: string,
  certificate: string,
  days: number,
  extensions: readonly string[],
): Promise<void> {
  const folder = await mkdtemp(join(dirname(certificate), '.signing-'));
  const config = join(folder, 'config');
  const settings = [
    ...[
      '[ca]',
      'default_ca=fairway',
      '[fairway]',
      'policy=any',
      'default_md=sha256',
      'unique_subject=no',
      'rand_serial=yes',
    ],
    ...[`database=${join(folder, 'index')}`, `new_certs_dir=${folder}`, 'x509_extensions=extensions'],
    ...['[any]', 'commonName=supplied', '[extensions]', 'subjectKeyIdentifier=hash'],
    ...extensions,
  ];
  try {
    await writeFile(config, `${settings.join('\n')}\n`);
    await writeFile(join(folder, 'index'), '');
    const fromMs = Date.now() - backdatedMs;
    await openssl([
      ...['ca', '-batch', '-notext', '-config', config, ...by, '-in', request, '-out', certificate],
      ...['-startdate', asn1Time(fromMs), '-enddate', asn1Time(Date.now() + days * 24 * 3_600_000)],
    ]);
  } finally {
    await rm(folder, { recursive: true });
    await rm(request);
  }
}

/** GeneralizedTime as DER has it: `20261127154000Z` (RFC 5280, 4.1.2.5.2). */
function asn1Time(ms: number): string {
  return `${new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`;
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
