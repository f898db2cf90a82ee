import { freePort, SpawnedServer } from '@fairway/bus/spawned-server';
import { processorMs, residentMb } from '../process-usage.ts';
import { leaderOf } from './bucket.ts';

/** One nats-server, or a cluster of several on this machine. */
export class Servers {
  readonly #named: ReadonlyMap<string, SpawnedServer>;

  private constructor(named: ReadonlyMap<string, SpawnedServer>) {
    this.#named = named;
  }

  static async start(count: number): Promise<Servers> {
    const routes = await Promise.all(Array.from({ length: count }, async () => `nats://127.0.0.1:${await freePort()}`));
    const named = new Map<string, SpawnedServer>();
    for (const [n, route] of routes.entries()) {
      const clustered = ['--cluster_name', 'bench', '--cluster', route, '--routes', routes.join(',')];
      const options = ['--server_name', `bench-${n}`, ...(count > 1 ? clustered : [])];
      named.set(`bench-${n}`, await SpawnedServer.reserve(options));
    }
    const servers = new Servers(named);
    try {
      for (const server of named.values()) await server.start();
    } catch (error) {
      await servers.remove();
      throw error;
    }
    return servers;
  }

  get urls(): readonly string[] {
    return [...this.#named.values()].map(({ url }) => url);
  }

  get processorMs(): number {
    return this.#pids.reduce((sum, pid) => sum + processorMs(pid), 0);
  }

  /** Of all of them together. */
  get residentMb(): number {
    return this.#pids.reduce((sum, pid) => sum + residentMb(pid), 0);
  }

  /** Stops the one that leads the bucket, as a restart for a new version would, and starts it again. */
  async restartLeader(): Promise<void> {
    const leader = await leaderOf(this.urls[0] ?? '');
    const server = this.#named.get(leader ?? 'bench-0');
    await server?.stop();
    await server?.start();
  }

  async remove(): Promise<void> {
    for (const server of this.#named.values()) await server.remove();
  }

  get #pids(): readonly number[] {
    return [...this.#named.values()].flatMap(({ pid }) => pid ?? []);
  }
}
