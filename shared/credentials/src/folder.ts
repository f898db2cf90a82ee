import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Credentials, CredentialsUnusable, type Identity, type Role } from '@fairway/bus';
import { authorityFiles, expiresAt, makeAuthority, makeServerCertificate } from './authority.ts';
import { makeDraft, removeDrafts } from './drafts.ts';
import { FolderUnusable } from './failures.ts';
import { folderFailing } from './folder-failing.ts';
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

/** What becomes of the registry, and what is done before the servers know it, and after. */
type Change = {
  readonly changed: Registry;
  readonly before?: () => Promise<void>;
  readonly after?: () => Promise<void>;
};

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
   * Makes the folder, with an authority, the servers' certificates, and who may connect from the start. It is there complete,
   * or not at all; what a process that was killed had begun goes with the next one.
   * @throws {FolderUnusable} when it is there already; {ServersInvalid, NameInvalid, NameTaken, AuthorityFailed}
   */
  static async init(
    dir: string,
    servers: (folder: CredentialsFolder) => readonly Server[],
    users: readonly Identity[] = [],
  ): Promise<CredentialsFolder> {
    const folder = new CredentialsFolder(dir);
    let registry = newRegistry(servers(folder));
    await folderFailing(folder.dir, async () => {
      await mkdir(dirname(folder.dir), { recursive: true });
      await removeDrafts(folder.dir);
      const draft = new CredentialsFolder(await makeDraft(folder.dir));
      try {
        await mkdir(draft.#authority, { mode: 0o700 });
        await makeAuthority(draft.#authority);
        for (const server of registry.servers) await draft.#certify(server);
        for (const user of users) {
          const made = Credentials.make(user, await draft.#authorityCertificate());
          registry = withUser(registry, user, keyOf(made));
          await draft.#handOut(made);
        }
        await draft.#write(registry);
        await rename(draft.dir, folder.dir).catch((cause: NodeJS.ErrnoException) => {
          if (cause.code !== 'ENOTEMPTY' && cause.code !== 'EEXIST' && cause.code !== 'ENOTDIR') throw cause;
          throw new FolderUnusable(folder.dir, 'it is there already; name another, or remove it', { cause });
        });
      } finally {
        await rm(draft.dir, { recursive: true, force: true });
      }
    });
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
    const text = await folderFailing(this.dir, () => readFile(join(this.dir, registryFile), 'utf8'));
    const parsed = registrySchema.safeParse(jsonOf(text));
    if (!parsed.success)
      throw new FolderUnusable(this.dir, `${registryFile} does not fit; put back the one of before`, {
        cause: parsed.error,
      });
    return parsed.data;
  }

  /** The servers with what they need to be told: their certificates end. */
  async servers(): Promise<readonly ListedServer[]> {
    const { servers } = await this.registry();
    return Promise.all(
      servers.map(async (server) => {
        const file = join(this.serverDir(server.name), serverFiles.certificate);
        const why = `${file} is no certificate; make all anew with fairway credentials renew`;
        const unusable = (cause: unknown) => {
          throw new FolderUnusable(this.dir, why, { cause });
        };
        return { ...server, expiresAt: await expiresAt(file).catch(unusable) };
      }),
    );
  }

  /** Somebody new may connect. */
  add(identity: Identity): Promise<ServerNews> {
    return this.#change(async (registry) => {
      const made = Credentials.make(identity, await this.#authorityCertificate());
      const changed = withUser(registry, identity, keyOf(made));
      return { changed, before: () => this.#handOut(made) };
    });
  }

  /** A node is a manager from now on, or a worker. It connects again by itself. Servers go by its key, and not by its file. */
  setNodeRole(name: string, role: Extract<Role, 'node' | 'manager'>): Promise<ServerNews> {
    return this.#change(async (registry) => {
      const changed = withNodeRole(registry, name, role);
      const held = this.#held(name);
      return { changed, ...(held ? { after: () => this.#handOut(held.as(role)) } : {}) };
    });
  }

  /** A new key beside the old one. The file has the new one once the servers take both. */
  rotate(name: string): Promise<ServerNews> {
    return this.#change(async (registry) => {
      const made = Credentials.make(userNamed(registry, name), await this.#authorityCertificate());
      return { changed: withKey(registry, name, keyOf(made)), after: () => this.#handOut(made) };
    });
  }

  /**
   * Only the key in the file is left, or the newest where the file has gone to its owner; whoever is connected with an older one
   * is cut off, and reads the file.
   */
  finishRotation(name: string): Promise<ServerNews> {
    return this.#change(async (registry) => {
      const newest = userNamed(registry, name).keys.at(-1)?.publicKey ?? '';
      return { changed: withOnlyKey(registry, name, this.#held(name)?.publicKey ?? newest) };
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
      return { changed: registry };
    });
  }

  /** Servers that did not read what is here are told again. */
  reload(): Promise<ServerNews> {
    return this.#change(async (changed) => ({ changed }));
  }

  get #authority(): string {
    return join(this.dir, 'authority');
  }

  #change(work: (registry: Registry) => Promise<Change>): Promise<ServerNews> {
    return folderFailing(this.dir, () =>
      withLock(this.dir, async () => {
        const { changed, before, after } = await work(await this.registry());
        await before?.();
        await this.#write(changed);
        const news = await reloadServers(changed.servers);
        await after?.();
        return news;
      }),
    );
  }

  /** What was handed out last; undefined where the file has gone to its owner, or cannot be used. */
  #held(name: string): Credentials | undefined {
    try {
      return Credentials.read(this.clientFile(name));
    } catch (error) {
      if (error instanceof CredentialsUnusable) return undefined;
      throw error;
    }
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

/** Undefined where it is none. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function keyOf({ publicKey }: Credentials): PublicKey {
  return { publicKey, madeAt: new Date().toISOString() };
}
