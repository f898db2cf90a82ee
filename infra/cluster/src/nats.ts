import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type CredentialsFolder, type Jsz, jszPath, type Server } from '@fairway/credentials';
import { attempt, type CommandResult } from './command.ts';
import { enterNamespace } from './namespace.ts';
import { enterNode, nodeCgroup } from './node.ts';
import type { ClusterPlace } from './place.ts';
import type { ProcessRecord } from './process.ts';
import { type NodeRecord, readState, updateState } from './state.ts';
import { lanAddress, lanNamespace } from './switch.ts';
import { until } from './wait.ts';

const monitorPort = 8222;

/** How many servers the bus has: one on each of the first three nodes, or a single one on the LAN, on no node. */
export type BusForm = 'cluster' | 'single';

/**
 * The form that was asked for, or FAIRWAY_BUS says; three servers otherwise. A swarm of fewer nodes has a single one: of
 * two, the end of either would stop the bus.
 */
export function busForm(asked: BusForm | undefined, nodes: number): BusForm {
  const form = asked ?? (process.env.FAIRWAY_BUS === 'single' ? 'single' : 'cluster');
  return nodes < serversMost ? 'single' : form;
}

/** One on each of the first nodes. */
export const serversMost = 3;

/** One server of the bus: the node that it is on, or none. */
type BusServer = { readonly part: string; readonly address: string; readonly node?: NodeRecord };

function busServers(nodes: readonly NodeRecord[], form: BusForm): BusServer[] {
  if (form === 'single') return [{ part: 'nats', address: lanAddress }];
  return nodes.slice(0, serversMost).map((node) => ({ part: natsName(node.name), address: node.address, node }));
}

/** The form of the bus that there is. */
export function presentForm(place: ClusterPlace): BusForm {
  return readState(place).bus.parts.length === 1 ? 'single' : 'cluster';
}

/** The name of the server's process on a node. */
export function natsName(node: string): string {
  return `${node}.nats`;
}

/** What the server calls itself. */
function serverName(part: string): string {
  return part.replace('.', '-');
}

/** Where they are kept. */
export function credentialsDir(place: ClusterPlace): string {
  return join(place.dataDir, 'credentials');
}

/** Where all that the bus stores is: a folder per server. */
export function storeOf(place: ClusterPlace, part: string): string {
  return join(place.dataDir, 'nats', part);
}

/** The cluster's credentials, made fresh for it. Loaded where they are used only: it takes a moment. */
export async function clusterCredentials(place: ClusterPlace): Promise<CredentialsFolder> {
  const { CredentialsFolder } = await import('@fairway/credentials');
  return new CredentialsFolder(credentialsDir(place));
}

/** The file that a service or a node (by its id in the swarm) connects with. */
export function credentialsFile(place: ClusterPlace, name: string): string {
  return join(credentialsDir(place), 'clients', `${name}.json`);
}

/**
 * Makes an authority, the servers' configuration, and credentials for deciders, sentinels and consoles. The servers are to run
 * this nats-server.
 */
export async function makeCredentials(
  place: ClusterPlace,
  program: string,
  nodes: readonly NodeRecord[],
  form: BusForm,
): Promise<void> {
  const { CredentialsFolder, serverUrls } = await import('@fairway/credentials');
  const servers = busServers(nodes, form);
  const serversOf = (made: CredentialsFolder) =>
    servers.map(
      ({ part, address }): Server => ({
        name: serverName(part),
        address,
        clientPort: 4222,
        routePort: 6222,
        monitorPort,
        dir: made.serverDir(serverName(part)),
        store: storeOf(place, part),
      }),
    );
  const users = (['decider', 'sentinel', 'console'] as const).flatMap((role) =>
    replicaNames(role, form).map((name) => ({ name, role })),
  );
  const folder = await CredentialsFolder.init(credentialsDir(place), serversOf, users);
  const urls = serverUrls(await folder.registry());
  updateState(place, (state) => {
    state.bus = { urls, parts: servers.map(({ part }) => part), program };
  });
}

/** One of a service beside one server; where losing a server is nothing, losing a service is not to be something either. */
export function replicaNames(service: 'decider' | 'sentinel' | 'console', form: BusForm): readonly string[] {
  return form === 'single' ? [service] : [`${service}1`, `${service}2`];
}

/** How the bus's servers are started. */
export function busRecords(place: ClusterPlace, nodes: readonly NodeRecord[], form: BusForm): ProcessRecord[] {
  return busServers(nodes, form).map((server) => busRecord(place, server));
}

/** How the server on a node is started; undefined where it has none. */
export function nodeNats(place: ClusterPlace, node: NodeRecord): ProcessRecord | undefined {
  const part = natsName(node.name);
  if (!readState(place).bus.parts.includes(part)) return undefined;
  return busRecord(place, { part, address: node.address, node });
}

function busRecord(place: ClusterPlace, { part, node }: BusServer): ProcessRecord {
  const config = join(credentialsDir(place), 'servers', serverName(part), 'nats.conf');
  return {
    name: part,
    argv: [
      ...(node ? enterNode(node) : enterNamespace(lanNamespace(place))),
      readState(place).bus.program,
      '-c',
      config,
    ],
    env: {},
    logFile: join(place.logDir, `${part}.log`),
    cgroup: node ? `${nodeCgroup(place, node.name)}/host` : `${place.cgroup}/nats`,
  };
}

/** Asks a server what it says of itself (docs.nats.io, Monitoring). */
function monitor(place: ClusterPlace, { node }: BusServer, asked: string): Promise<CommandResult> {
  const enter = enterNamespace(node?.namespace ?? lanNamespace(place));
  return attempt([...enter, 'curl', '-sS', '-m', '2', `http://127.0.0.1:${monitorPort}/${asked}`]);
}

/** Waits until every server says that JetStream is there too. */
export async function busReady(
  place: ClusterPlace,
  nodes: readonly NodeRecord[],
  form: BusForm,
  signal?: AbortSignal,
): Promise<void> {
  for (const server of busServers(nodes, form)) {
    await until(
      `${server.part} to be healthy`,
      async () => {
        const result = await monitor(place, server, 'healthz');
        return result.stdout.includes('"ok"') || `${result.stdout}${result.stderr}`.trim() || 'no answer';
      },
      { limitMs: 30_000, everyMs: 25, signal },
    );
  }
}

/** What each server's monitoring says of JetStream, by the server's name; nothing where it does not answer. */
export async function busSeen(
  place: ClusterPlace,
  nodes: readonly NodeRecord[],
  form: BusForm,
): Promise<ReadonlyMap<string, Jsz>> {
  const asked = busServers(nodes, form).map(async (server) => {
    const { stdout } = await monitor(place, server, jszPath);
    return [serverName(server.part), (stdout === '' ? {} : JSON.parse(stdout)) as Jsz] as const;
  });
  return new Map(await Promise.all(asked));
}

/** Removes all that a server has stored. */
export function removeStore(place: ClusterPlace, part: string): void {
  rmSync(storeOf(place, part), { recursive: true, force: true });
}
