import { join } from 'node:path';
import { enterNamespace } from './namespace.ts';
import { credentialsFile } from './nats.ts';
import { enterNode, nodeCgroup } from './node.ts';
import type { ClusterPlace } from './place.ts';
import type { ProcessRecord } from './process.ts';
import { compileCacheDir, type Program, programArgv } from './program.ts';
import { type NodeRecord, readState } from './state.ts';
import { lanAddress, lanNamespace } from './switch.ts';
import { patience } from './wait.ts';

/** Fairway's own processes, each run by the Node that runs this: from its source, and in the lab from its bundle. */

/** Where each console listens, by its name: all on the LAN, one port after the other. */
function consoleListen(place: ClusterPlace, name: string): string {
  return `${lanAddress}:${8080 + readState(place).consoles.indexOf(name)}`;
}

/** The consoles' URLs. */
export function consoleUrls(place: ClusterPlace): readonly string[] {
  return readState(place).consoles.map((name) => `http://${consoleListen(place, name)}`);
}

/** Where somebody on the LAN may receive traces; OTLP/HTTP's usual port. */
export const tracesUrl = `http://${lanAddress}:4318`;

/** What the processes are given as this process has been: where they send traces, and what balances. */
function handedOn(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

const traces = () => handedOn('OTEL_EXPORTER_OTLP_ENDPOINT');

const cache = { NODE_COMPILE_CACHE: compileCacheDir };

/** Where the bus is, and who connects. */
function onBus(place: ClusterPlace, name: string): Record<string, string> {
  return {
    FAIRWAY_NATS: readState(place).bus.urls.join(','),
    FAIRWAY_NATS_CREDENTIALS: credentialsFile(place, name),
    // On a machine that is so much slower answers are asked for again and again while they are on their way.
    FAIRWAY_NATS_TIMEOUT_MS: `${3000 * patience()}`,
  };
}

/** A service that needs nothing but the bus, on no node. */
function onLan(place: ClusterPlace, program: Program, name: string): ProcessRecord {
  return {
    name,
    argv: [...enterNamespace(lanNamespace(place)), ...programArgv(program)],
    env: { ...onBus(place, name), ...cache, ...traces() },
    logFile: join(place.logDir, `${name}.log`),
    cgroup: `${place.cgroup}/${name}`,
  };
}

export function decider(place: ClusterPlace, name: string): ProcessRecord {
  return onLan(place, 'decider', name);
}

export function sentinel(place: ClusterPlace, name: string): ProcessRecord {
  return onLan(place, 'sentinel', name);
}

export function consoleService(place: ClusterPlace, name: string): ProcessRecord {
  const record = onLan(place, 'console', name);
  return { ...record, env: { ...record.env, FAIRWAY_CONSOLE_LISTEN: consoleListen(place, name) } };
}

/** Root with the capabilities that `infra/systemd/fairway-node.service` leaves it, so that all tests are of that. */
const leastPrivilege = [
  'setpriv',
  ...['--bounding-set=-all,+net_admin,+net_raw,+sys_admin', '--inh-caps=-all', '--no-new-privs', '--'],
];

export function nodeService(place: ClusterPlace, node: NodeRecord): ProcessRecord {
  return {
    name: node.name,
    argv: [...enterNode(node), ...leastPrivilege, ...programArgv('node'), '--repair-overlay'],
    env: {
      ...onBus(place, node.swarmNodeId),
      DOCKER_HOST: `unix://${node.socket}`,
      FAIRWAY_NETNS_DIR: node.netnsDir,
      FAIRWAY_STATE_DIR: join(node.dir, 'state'),
      // A machine that is so much slower misses beats that are as fast as ever.
      FAIRWAY_BEAT_MS: `${200 * patience()}`,
      ...handedOn('FAIRWAY_BALANCER'),
      ...cache,
      ...traces(),
    },
    logFile: join(place.logDir, `${node.name}.log`),
    cgroup: `${nodeCgroup(place, node.name)}/host`,
  };
}
