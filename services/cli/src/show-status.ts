import type { DriftView, NodeView, ServiceView, View } from '@fairway/mesh';
import { showAge } from './age.ts';
import { table } from './table.ts';

/** The view as tables for people; `nowMs` for ages. */
export function showStatus(view: View, nowMs: number): string {
  const nameOf = (id: string) => view.nodes.find((node) => node.id === id)?.name ?? id;
  const nodes = table(
    ['NODE', 'ROLE', 'STATE', 'AVAILABILITY', 'APPLIED', 'LAST CHANGE'],
    view.nodes.map((node) => [
      node.name,
      node.role ?? '-',
      node.lost === undefined ? node.state : `${node.state}, lost`,
      node.availability ?? '-',
      applied(node, view.revision),
      node.changeMs === undefined ? '-' : `${node.changeMs.toFixed(1)} ms`,
    ]),
  );
  const services = table(
    ['SERVICE', 'MODE', 'PORTS', 'VIPS', 'SERVING'],
    view.services.map((service) => [
      service.name,
      service.mode,
      service.ports.join(', ') || '-',
      service.vips.join(', ') || '-',
      serving(service),
    ]),
  );
  const endpoints = table(
    ['TASK', 'SERVICE', 'NODE', 'ADDRESSES', 'STATE', 'SINCE'],
    view.services.flatMap((service) =>
      service.endpoints.map((endpoint) => [
        endpoint.task,
        service.name,
        nameOf(endpoint.node),
        endpoint.addresses.join(', ') || '-',
        endpoint.state,
        showAge(endpoint.sinceMs, nowMs),
      ]),
    ),
  );
  const pending = view.pending.map(({ about, why }) => `  ${about}: ${why}\n`);
  const problems = view.problems.map(({ about, why }) => `  ${about}: ${why}\n`);
  const unwatched = view.unwatched.map(({ about, why }) => `  ${about}: ${why}\n`);
  const lost = view.nodes.flatMap(({ name, lost: why }) => (why === undefined ? [] : [`  node ${name}: ${why}\n`]));
  const changed = view.nodes.flatMap(({ name, drifts = [] }) =>
    drifts.filter((drift) => isNews(drift, nowMs)).map((drift) => `  ${showDrift(name, drift, nowMs)}\n`),
  );
  return [
    view.converged
      ? `Converged: every node has applied revision ${view.revision}.\n`
      : `Not converged at revision ${view.revision}.\n`,
    problems.length > 0 ? `Needs you:\n${problems.join('')}` : '',
    pending.length > 0 ? `Waiting:\n${pending.join('')}` : '',
    lost.length > 0 ? `Lost:\n${lost.join('')}` : '',
    changed.length > 0 ? `Changed by others:\n${changed.join('')}` : '',
    unwatched.length > 0 ? `Not watched:\n${unwatched.join('')}` : '',
    view.putAside > 0 ? `Put aside: ${view.putAside} messages that could not be read (stream FAIRWAY_DEAD).\n` : '',
    nodes,
    services,
    endpoints,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** What was put right is told for so long. */
const newsMs = 3_600_000;

function isNews({ repaired, atMs }: DriftView, nowMs: number): boolean {
  return !repaired || nowMs - atMs < newsMs;
}

function showDrift(node: string, { namespace, found, atMs, repaired }: DriftView, nowMs: number): string {
  const state = repaired
    ? `right again since ${showAge(atMs, nowMs)}`
    : `found ${showAge(atMs, nowMs)} ago, not right yet`;
  const [first, ...more] = found;
  return `node ${node}, ${namespace}: ${first}${more.length > 0 ? ` and ${more.length} more` : ''}; ${state}`;
}

function applied(node: NodeView, revision: number): string {
  if (node.applied === undefined) return 'nothing yet';
  return node.applied >= revision ? `${node.applied}` : `${node.applied} of ${revision}`;
}

function serving({ mode, ports, vips, serving, replicas, endpoints }: ServiceView): string {
  if (mode === 'dnsrr') return 'left to Docker';
  if (ports.length + vips.length === 0) return 'nothing to serve';
  const of = replicas === undefined ? `${serving} (global)` : `${serving}/${replicas}`;
  if (serving > 0) return of;
  const drains = endpoints.some(({ state }) => state === 'draining');
  return drains ? `${of}, those that drain still answer` : `${of}, connections are refused`;
}
