import type { EngineService, EngineTask } from '@fairway/watcher';
import type { Machine } from '../swarm/machine.ts';
import type { SwarmStore } from '../swarm/store.ts';

/** What the truth is read from, a simulated Docker or what a real one lists: nothing of it is Fairway's. */
export type Truth = {
  readonly swarm: { readonly store: Pick<SwarmStore, 'all' | 'get' | 'tasksOf'> };
  readonly machines: readonly TrueMachine[];
};

/** A machine as its own Docker has it. */
export type TrueMachine = Pick<Machine, 'node' | 'containerOf'> & {
  /** Overlay networks' sandboxes that there are. */
  readonly sandboxes: readonly string[];
  readonly docker: Pick<Machine['docker'], 'gateway'>;
  /** Whether its overlay on a network has a way to a task elsewhere, and that one's a way back; every one where nobody says. */
  readonly reaches?: (task: EngineTask, network: string) => boolean;
};

/**
 * What a machine's kernel must have once everything is quiet, one line for each entry:
 *
 * - `host tcp 8000 > 172.18.0.2` for each published port,
 * - `ingress tcp 8000 > 10.0.0.5:80 10.0.0.7:80` for the tasks that answer it,
 * - `lb_net100000 10.0.1.2 > 10.0.1.5` for each virtual IP on a network that the machine takes part in.
 *
 * Written apart from all that decides in Fairway; it looks at Docker alone.
 */
export function tablesOf(truth: Truth, machine: TrueMachine): string[] {
  const lines: string[] = [];
  for (const service of truth.swarm.store.all('services')) {
    if (service.Spec.EndpointSpec?.Mode === 'dnsrr') continue;
    lines.push(...publishedBy(truth, service, machine), ...balancedFor(truth, service, machine));
  }
  return lines.sort();
}

/** Where what a machine's kernel has differs from what it must have: `n1 lacks host tcp 8000 > …`, `n1 has …`. */
export function wrongLines(name: string, wanted: readonly string[], found: readonly string[]): string[] {
  return [
    ...wanted.filter((line) => !found.includes(line)).map((line) => `${name} lacks ${line}`),
    ...found.filter((line) => !wanted.includes(line)).map((line) => `${name} has ${line}`),
  ];
}

function publishedBy(truth: Truth, service: EngineService, machine: TrueMachine): string[] {
  const gateway = machine.docker.gateway?.text;
  if (gateway === undefined) return [];
  return service.Endpoint.Ports.flatMap(({ Protocol, PublishedPort, TargetPort }) => {
    const addresses = addressesOf(truth, service, ingressOf(truth), machine);
    const targets = addresses.map((address) => `${address}:${TargetPort}`).sort();
    const port = `${Protocol} ${PublishedPort}`;
    return [`host ${port} > ${gateway}`, `ingress ${port} > ${targets.join(' ')}`.trimEnd()];
  });
}

function balancedFor(truth: Truth, service: EngineService, machine: TrueMachine): string[] {
  return service.Endpoint.VirtualIPs.flatMap(({ NetworkID, Addr }) => {
    const sandbox = `lb_${NetworkID.slice(0, 9)}`;
    if (!Addr || NetworkID === ingressOf(truth) || !machine.sandboxes.includes(sandbox)) return [];
    return [`${sandbox} ${Addr.text} > ${addressesOf(truth, service, NetworkID, machine).join(' ')}`.trimEnd()];
  });
}

/** The addresses at which the service's tasks answer the machine on a network. */
function addressesOf(truth: Truth, service: EngineService, network: string, machine: TrueMachine): string[] {
  return truth.swarm.store
    .tasksOf(service.ID)
    .filter((task) => answers(truth, task) && (machine.reaches?.(task, network) ?? true))
    .flatMap((task) => addressOn(task, network) ?? [])
    .sort();
}

/** Swarm wants the task and has seen it running, its machine is there, and its container is healthy. */
export function answers({ swarm, machines }: Truth, task: EngineTask): boolean {
  if (task.DesiredState !== 'running' || task.Status.State !== 'running') return false;
  if (swarm.store.get('nodes', task.NodeID)?.Status.State !== 'ready') return false;
  const machine = machines.find(({ node }) => node === task.NodeID);
  const state = machine?.containerOf(task.ID)?.State;
  return state?.Status === 'running' && (state.Health?.Status ?? 'healthy') === 'healthy';
}

/** The task's address on a network; undefined where it is not on it. */
export function addressOn(task: EngineTask, network: string): string | undefined {
  return task.NetworksAttachments.find(({ Network }) => Network.ID === network)?.Addresses[0]?.text;
}

/** The id of the network that published ports are on. */
export function ingressOf({ swarm }: Truth): string {
  return swarm.store.all('networks').find(({ Ingress }) => Ingress)?.Id ?? '';
}
