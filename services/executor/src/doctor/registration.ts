import type { Finding, Mesh } from '@fairway/mesh';

/**
 * Whether Docker's managers call this node down, though its node process runs. That is so while its dockerd is not there,
 * and for good where it registered just as the heartbeat of its last life ran out: in swarmkit's
 * manager/dispatcher/dispatcher.go the end of that wait writes `down` after the new life wrote `ready`, and no heartbeat
 * writes another state; moby/moby#34827.
 */
export function registrationOf(mesh: Mesh, node: string): readonly Finding[] {
  if (mesh.nodes.get(node)?.claim?.state !== 'down') return [];
  return [
    {
      kind: 'wrong',
      where: 'swarm',
      what: "Docker's managers call this node down",
      breaks: 'Docker starts no task here, and makes no network that a new task or a published port needs',
      mend: 'systemctl restart docker, on this node: it registers anew',
    },
  ];
}
