import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, type ConnectOptions, connectBus, type Identity } from '@fairway/bus';
import { freePort, SpawnedServer } from '@fairway/bus/spawned-server';
import { CredentialsFolder } from './folder.ts';
import { serverFiles, serverUrls } from './server-config.ts';

/** Real nats-servers for tests, on loopback, as `fairway credentials` sets them up, and who connects to them. */
export class TrustedServers {
  readonly folder: CredentialsFolder;
  readonly servers: readonly SpawnedServer[];
  readonly urls: readonly string[];
  readonly #dir: string;
  readonly #buses: Bus[] = [];

  private constructor(dir: string, folder: CredentialsFolder, servers: readonly SpawnedServer[], urls: string[]) {
    this.#dir = dir;
    this.folder = folder;
    this.servers = servers;
    this.urls = urls;
  }

  static async start(count: number, users: readonly Identity[]): Promise<TrustedServers> {
    const dir = await mkdtemp(join(tmpdir(), 'fairway-trust-'));
    const ports = await Promise.all(Array.from({ length: 3 * count }, freePort));
    const serversOf = (made: CredentialsFolder) =>
      Array.from({ length: count }, (_, n) => ({
        name: `s${n + 1}`,
        address: '127.0.0.1',
        clientPort: ports[3 * n] ?? 0,
        routePort: ports[3 * n + 1] ?? 0,
        monitorPort: ports[3 * n + 2] ?? 0,
        dir: made.serverDir(`s${n + 1}`),
        store: join(dir, `store-s${n + 1}`),
      }));
    const folder = await CredentialsFolder.init(join(dir, 'credentials'), serversOf, users);
    const registry = await folder.registry();
    const urls = serverUrls(registry);
    const servers = registry.servers.map(({ store, monitorPort, dir: own }, n) => {
      return new SpawnedServer(urls[n] ?? '', store, {
        argv: ['-c', join(own, serverFiles.config)],
        isReady: () => isHealthy(monitorPort, count === 1),
      });
    });
    const all = new TrustedServers(dir, folder, servers, urls);
    try {
      await Promise.all(servers.map((server) => server.start()));
    } catch (error) {
      await all.stop();
      throw error;
    }
    return all;
  }

  /** Connects as somebody, to all servers unless told otherwise. */
  async connect(name: string, options: Partial<ConnectOptions> = {}): Promise<Bus> {
    const bus = await connectBus({
      servers: this.urls,
      name,
      credentials: this.folder.clientFile(name),
      timeoutMs: 2000,
      ...options,
    });
    this.#buses.push(bus);
    return bus;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.close()));
    await Promise.all(this.servers.map((server) => server.remove()));
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** Whether a server answers; of several, JetStream is there only once most are, so it is not asked for. */
async function isHealthy(monitorPort: number, withJetStream: boolean): Promise<boolean> {
  const path = withJetStream ? 'healthz' : 'healthz?js-enabled-only=true';
  try {
    return (await fetch(`http://127.0.0.1:${monitorPort}/${path}`)).ok;
  } catch {
    return false;
  }
}
