import { readFileSync } from 'node:fs';
import { type Authenticator, nkeyAuthenticator, nkeys } from '@nats-io/nats-core';
import * as z from 'zod';
import { type Identity, type Role, roles } from '../roles.ts';

/** The file cannot be used, and why. What it says is never part of it: it holds a key. */
export class CredentialsUnusable extends Error {
  constructor(file: string, why: string) {
    super(`CredentialsUnusable: ${file}: ${why}; fairway credentials makes such files`);
  }
}

const seedForm = /^SU[A-Z2-7]{56}$/;
const fileSchema = z.object({
  format: z.literal(1),
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  role: z.enum(roles),
  seed: z.string().regex(seedForm),
  authority: z.string().startsWith('-----BEGIN CERTIFICATE-----'),
});

/** Who somebody is, the key that proves it, and the authority whose servers are trusted. */
export class Credentials implements Identity {
  readonly name: string;
  readonly role: Role;
  /** Certificates, PEM. */
  readonly authority: string;
  // Private, so that nothing that shows an object shows it.
  readonly #seed: string;

  constructor({ name, role }: Identity, seed: string, authority: string) {
    this.name = name;
    this.role = role;
    this.authority = authority;
    this.#seed = seed;
  }

  /** Of somebody who has a new key. */
  static make(identity: Identity, authority: string): Credentials {
    return new Credentials(identity, new TextDecoder().decode(nkeys.createUser().getSeed()), authority);
  }

  /** Signs what a server challenges with. */
  get authenticator(): Authenticator {
    return nkeyAuthenticator(this.#bytes);
  }

  /** What servers know of the key. */
  get publicKey(): string {
    return nkeys.fromSeed(this.#bytes).getPublicKey();
  }

  get #bytes(): Uint8Array {
    return new TextEncoder().encode(this.#seed);
  }

  /** The same key in another role. */
  as(role: Role): Credentials {
    return new Credentials({ name: this.name, role }, this.#seed, this.authority);
  }

  /** The text of their file. It is secret. */
  toFile(): string {
    const { name, role, authority } = this;
    return `${JSON.stringify({ format: 1, name, role, seed: this.#seed, authority }, undefined, 2)}\n`;
  }

  /** @throws {CredentialsUnusable} */
  static read(file: string): Credentials {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw new CredentialsUnusable(file, `it cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // Not the parser's own word, which quotes the text.
      throw new CredentialsUnusable(file, 'it is not JSON');
    }
    const parsed = fileSchema.safeParse(json);
    if (!parsed.success) {
      const fields = new Set(parsed.error.issues.map(({ path }) => path.join('.') || 'all of it'));
      throw new CredentialsUnusable(file, `these do not fit: ${[...fields].join(', ')}`);
    }
    return new Credentials(parsed.data, parsed.data.seed, parsed.data.authority);
  }
}
