import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Credentials, type Identity, type Role } from '@fairway/bus';
import { authorityFiles, expiresAt, makeAuthority, makeServerCertificate } from './authority.ts';
import { FolderUnusable } from './failures.ts';
import {
  newRegistry,
  type PublicKey,
  type Registry,
  registrySchema,
  type Server,
  userNamed,
  withKey,
  withNodeRole,
  withOnlyKey,
  withoutUser,
  withUser,
} from './registry.ts';
import { reloadServers, type ServerNews } from './reload.ts';
import { withLock, writeSecret } from './secret-file.ts';
import { renderServerConfig, serverFiles } from './server-config.ts';

/** A server, and until when its certificate is good. */
export type ListedServer = Server & { readonly expiresAt: Date };

const registryFile = 'registry.json';

/**
 * The folder in which the credentials of a whole mesh are kept, 0700 with files 0600: the registry, the authority, a
 * folder per server, and a file per user to be handed to it. Every change is written down before a server hears of it.
 */
export class CredentialsFolder {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = resolve(dir);
  }

  /**
   * Makes the folder, with an authority and the servers' certificates. It is there complete, or not at all.
   * @throws {FolderUnusable} when it is there already; {ServersInvalid, NameInvalid, AuthorityFailed}
   */
  static async init(
    dir: string,
    servers: (folder: CredentialsFolder) => readonly Server[],
  ): Promise<CredentialsFolder> {
    const folder = new CredentialsFolder(dir);
    const registry = newRegistry(servers(folder));
    await mkdir(join(folder.dir, '..'), { recursive: true });
    // Of mode 0700, by mkdtemp's own contract.
    const draft = new CredentialsFolder(await mkdtemp(`${folder.dir}.`));
    try {
      await mkdir(draft.#authority, { mode: 0o700 });
      await makeAuthority(draft.#authority);
      for (const server of registry.servers) await draft.#certify(server);
      await draft.#write(registry);
      await rename(draft.dir, folder.dir).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOTEMPTY' && cause.code !== 'EEXIST' && cause.code !== 'ENOTDIR') throw cause;
        throw new FolderUnusable(folder.dir, 'it is there already; name another, or remove it', { cause });
      });
    } finally {
      await rm(draft.dir, { recursive: true, force: true });
    }
    return folder;
  }

  /** Where the file is that somebody connects with. */
  clientFile(name: string): string {
    return join(this.dir, 'clients', `${name}.json`);
  }

  /** Where a server's files are: all of the folder is to be where `Server.dir` says. */
  serverDir(name: string): string {
    return join(this.dir, 'servers', name);
  }

  /** @throws {FolderUnusable} */
  async registry(): Promise<Registry> {
    const text = await readFile(join(this.dir, registryFile), 'utf8').catch((cause) => {
      throw new FolderUnusable(this.dir, 'there are no credentials; make them with fairway credentials init', {
        cause,
      });
    });
    const parsed = registrySchema.safeParse(JSON.parse(text));
    if (!parsed.success) throw new FolderUnusable(this.dir, `${registryFile} does not fit`, { cause: parsed.error });
    return parsed.data;
  }

  /** The servers with what they need to be told: their certificates end. */
  async servers(): Promise<readonly ListedServer[]> {
    const { servers } = await this.registry();
    return Promise.all(
      servers.map(async (server) => ({
        ...server,
        expiresAt: await expiresAt(join(this.serverDir(server.name), serverFiles.certificate)),
      })),
    );
  }

  /** Somebody new may connect. */
  add(identity: Identity): Promise<ServerNews> {
    return this.#change(async (registry) => {
      const made = Credentials.make(identity, await this.#authorityCertificate());
      return { changed: withUser(registry, identity, keyOf(made)), after: () => this.#handOut(made) };
    });
  }

  /** A node is a manager from now on, or a worker. It connects again by itself. */
  setNodeRole(name: string, role: Extract<Role, 'node' | 'manager'>): Promise<ServerNews> {
    return this.#change(async (registry) => {
      const changed = withNodeRole(registry, name, role);
      const held = Credentials.read(this.clientFile(name));
      return { changed, after: () => this.#handOut(held.as(role)) };
    });
  }

  /** A new key beside the old one. The file has the new one once the servers take both. */
  rotate(name: string): Promise<ServerNews> {
    return this.#change(async (registry) => {
      const made = Credentials.make(userNamed(registry, name), await this.#authorityCertificate());
      return { changed: withKey(registry, name, keyOf(made)), after: () => this.#handOut(made) };
    });
  }

  /** Only the key in the file is left; whoever is connected with an older one is cut off, and reads the file. */
  finishRotation(name: string): Promise<ServerNews> {
    return this.#change(async (registry) => {
      userNamed(registry, name);
      const { publicKey } = Credentials.read(this.clientFile(name));
      return { changed: withOnlyKey(registry, name, publicKey), after: async () => {} };
    });
  }

  /**
   * Somebody may not connect any more; whoever is connected is cut off. The file that was handed out goes last: where it is
   * still there, an earlier revocation was cut short, and the servers are told again.
   */
  revoke(name: string): Promise<ServerNews> {
    return this.#change(async (registry) => {
      const file = this.clientFile(name);
      const isCutShort = !registry.users.some((user) => user.name === name) && existsSync(file);
      const changed = isCutShort ? registry : withoutUser(registry, name);
      return { changed, after: () => rm(file, { force: true }) };
    });
  }

  /** New certificates for all servers. */
  renew(): Promise<ServerNews> {
    return this.#change(async (registry) => {
      for (const server of registry.servers) await this.#certify(server);
      return { changed: registry, after: async () => {} };
    });
  }

  get #authority(): string {
    return join(this.dir, 'authority');
  }

  #change(
    work: (registry: Registry) => Promise<{ readonly changed: Registry; readonly after: () => Promise<void> }>,
  ): Promise<ServerNews> {
    return withLock(this.dir, async () => {
      const { changed, after } = await work(await this.registry());
      await this.#write(changed);
      const news = await reloadServers(changed.servers);
      await after();
      return news;
    });
  }

  async #write(registry: Registry): Promise<void> {
    await writeSecret(join(this.dir, registryFile), `${JSON.stringify(registry, undefined, 2)}\n`);
    for (const server of registry.servers) {
      await writeSecret(join(this.serverDir(server.name), serverFiles.config), renderServerConfig(registry, server));
    }
  }

  async #certify(server: Server): Promise<void> {
    const dir = this.serverDir(server.name);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const draft = await mkdtemp(join(dir, 'certificate.'));
    try {
      await makeServerCertificate(this.#authority, draft, server);
      const made = {
        certificate: await readFile(join(draft, 'server.crt'), 'utf8'),
        key: await readFile(join(draft, 'server.key'), 'utf8'),
      };
      await writeSecret(join(dir, serverFiles.authority), await this.#authorityCertificate());
      await writeSecret(join(dir, serverFiles.certificate), made.certificate);
      await writeSecret(join(dir, serverFiles.key), made.key);
    } finally {
      await rm(draft, { recursive: true });
    }
  }

  #authorityCertificate(): Promise<string> {
    return readFile(join(this.#authority, authorityFiles.certificate), 'utf8');
  }

  async #handOut(credentials: Credentials): Promise<void> {
    await mkdir(join(this.dir, 'clients'), { recursive: true, mode: 0o700 });
    await writeSecret(this.clientFile(credentials.name), credentials.toFile());
  }
}

function keyOf({ publicKey }: Credentials): PublicKey {
  return { publicKey, madeAt: new Date().toISOString() };
}
