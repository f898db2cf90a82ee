import { startCluster } from '@fairway/cluster';
import type { DockerWorld } from './docker-contract.ts';
import { connectDocker } from './engine.ts';

/** A real swarm of one node, in network namespaces of its own, for tests. */
export async function startRealDocker(name: string): Promise<DockerWorld> {
  const cluster = await startCluster({ name, nodes: 1, fairway: false });
  const { engine, socket, holderPid, name: node } = cluster.manager;
  const dockerd = cluster.process(`${node}.dockerd`);
  const mode = (replicas: number) => ({ Replicated: { Replicas: replicas } });
  return {
    // As the node has it, whose /run is its own.
    docker: connectDocker({ socket, swarmkit: `/proc/${holderPid}/root/run/docker/swarm/control.sock` }),
    createService: async ({ name: service, replicas, published }) => {
      const answer = (await engine.post('/services/create', {
        Name: service,
        // PID 1 without a handler survives SIGTERM: without a short grace each removal would take ten seconds.
        TaskTemplate: {
          ContainerSpec: { Image: 'app:1', Command: ['httpd', '-f', '-p', '80'], StopGracePeriod: 1e8 },
          // Swarm waits five seconds by itself before it replaces a task that ended.
          RestartPolicy: { Condition: 'any', Delay: 1e8 },
        },
        Mode: mode(replicas),
        EndpointSpec: { Ports: [{ TargetPort: 80, PublishedPort: published }] },
      })) as { ID: string };
      return answer.ID;
    },
    scaleService: async (id, replicas) => {
      const held = (await engine.get(`/services/${id}`)) as { Version: { Index: number }; Spec: object };
      await engine.post(`/services/${id}/update?version=${held.Version.Index}`, { ...held.Spec, Mode: mode(replicas) });
    },
    removeService: async (id) => {
      await engine.delete(`/services/${id}`);
    },
    killContainer: async (id) => {
      await engine.post(`/containers/${id}/kill?signal=SIGKILL`);
    },
    stopDaemon: () => dockerd.stop(),
    startDaemon: async () => {
      await dockerd.start();
      await untilReady(() => engine.get('/nodes'));
    },
    end: () => cluster.stop(),
  };
}

async function untilReady(ask: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await ask();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
