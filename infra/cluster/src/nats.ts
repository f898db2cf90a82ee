import { join } from 'node:path';
import { attempt } from './command.ts';
import { enterNamespace } from './namespace.ts';
import type { ClusterPlace } from './place.ts';
import type { ProcessRecord } from './process.ts';
import { lanAddress, lanNamespace } from './switch.ts';
import { until } from './wait.ts';

const port = 4222;
const monitorPort = 8222;

export const natsUrl = `nats://${lanAddress}:${port}`;

/** Folder of all that the bus remembers. */
export function natsStore(place: ClusterPlace): string {
  return join(place.dataDir, 'nats');
}

/** How the bus is started, JetStream's files in the cluster's own folder. */
export function nats(place: ClusterPlace, natsServer: string): ProcessRecord {
  return {
    name: 'nats',
    argv: [
      ...enterNamespace(lanNamespace(place)),
      ...[natsServer, '--addr', lanAddress, '--port', String(port), '--http_port', String(monitorPort)],
      ...['--jetstream', '--store_dir', natsStore(place)],
    ],
    env: {},
    logFile: join(place.logDir, 'nats.log'),
    cgroup: `${place.cgroup}/nats`,
  };
}

/** Waits until the server says that JetStream is there too. */
export async function natsReady(place: ClusterPlace, signal?: AbortSignal): Promise<void> {
  const health = `http://${lanAddress}:${monitorPort}/healthz`;
  await until(
    'nats-server to be healthy',
    async () => {
      const result = await attempt([...enterNamespace(lanNamespace(place)), 'curl', '-sS', '-m', '2', health]);
      return result.stdout.includes('"ok"') || `${result.stdout}${result.stderr}`.trim() || 'no answer';
    },
    { limitMs: 20_000, everyMs: 25, signal },
  );
}
