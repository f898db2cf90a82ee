import { join } from 'node:path';
import { run } from './command.ts';
import { enterNamespace } from './namespace.ts';
import { natsUrl } from './nats.ts';
import { enterNode, nodeCgroup } from './node.ts';
import type { ClusterPlace } from './place.ts';
import type { ProcessRecord } from './process.ts';
import { projectDir, toolsDir } from './project.ts';
import type { NodeRecord } from './state.ts';
import { lanAddress, lanNamespace } from './switch.ts';

/** Fairway's own processes, each run from its source by the Node that runs this. */

const consoleListen = `${lanAddress}:8080`;

export const consoleUrl = `http://${consoleListen}`;

/** Where somebody on the LAN may receive traces; OTLP/HTTP's usual port. */
export const tracesUrl = `http://${lanAddress}:4318`;

/** What the processes are given as this process has been: where they send traces, and what balances. */
function handedOn(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

const traces = () => handedOn('OTEL_EXPORTER_OTLP_ENDPOINT');

/**
 * What keeps a service small. V8 lets its young generation grow to 16 MB a half, of which a service that makes little
 * garbage at a time has no use; and with its code cached, Node need not load what strips types (20 MB).
 */
const flags = ['--max-semi-space-size=1'];
export const compileCacheDir = join(toolsDir, 'compile-cache');
const cache = { NODE_COMPILE_CACHE: compileCacheDir };

/** Runs a service's or the command's main with the Node that runs this. */
export function main(service: string): string[] {
  return [process.execPath, ...flags, join(projectDir, 'services', service, 'src/main.ts')];
}

/**
 * Has the code of every service compiled into the cache, each by one that only tells its usage. A machine that sees this
 * checkout and whose processor has the same features to V8 then need not compile it.
 */
export async function compileServices(): Promise<void> {
  const services = ['decider', 'console', 'node', 'cli'];
  await Promise.all(services.map((service) => run([...main(service), '--help'], { env: cache })));
}

export function decider(place: ClusterPlace): ProcessRecord {
  return {
    name: 'decider',
    argv: [...enterNamespace(lanNamespace(place)), ...main('decider')],
    env: { FAIRWAY_NATS: natsUrl, ...cache, ...traces() },
    logFile: join(place.logDir, 'decider.log'),
    cgroup: `${place.cgroup}/decider`,
  };
}

export function consoleService(place: ClusterPlace): ProcessRecord {
  return {
    name: 'console',
    argv: [...enterNamespace(lanNamespace(place)), ...main('console')],
    env: { FAIRWAY_NATS: natsUrl, FAIRWAY_CONSOLE_LISTEN: consoleListen, ...cache, ...traces() },
    logFile: join(place.logDir, 'console.log'),
    cgroup: `${place.cgroup}/console`,
  };
}

export function nodeService(place: ClusterPlace, node: NodeRecord): ProcessRecord {
  return {
    name: node.name,
    argv: [...enterNode(node), ...main('node')],
    env: {
      FAIRWAY_NATS: natsUrl,
      DOCKER_HOST: `unix://${node.socket}`,
      FAIRWAY_NETNS_DIR: node.netnsDir,
      FAIRWAY_STATE_DIR: join(node.dir, 'state'),
      ...handedOn('FAIRWAY_BALANCER'),
      ...cache,
      ...traces(),
    },
    logFile: join(place.logDir, `${node.name}.log`),
    cgroup: `${nodeCgroup(place, node.name)}/host`,
  };
}
