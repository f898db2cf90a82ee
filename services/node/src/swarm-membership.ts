import { setTimeout as pause } from 'node:timers/promises';
import { describe, type Log } from '@fairway/telemetry';
import { type Docker, DockerRefused, DockerUnavailable } from '@fairway/watcher';

/** Which node of which swarm this machine is. */
export type Membership = { readonly node: string; readonly swarm: string | undefined };

const pauseMinMs = 200;
const pauseMaxMs = 5_000;

/** Waits until Docker answers and the machine is in a swarm, however long that takes, and says what it waits for. */
export async function swarmMembership(docker: Docker, log: Log): Promise<Membership> {
  for (let pauseMs = pauseMinMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    try {
      const { node, swarm, state } = await docker.info();
      if (node) return { node, swarm };
      log.warn('this machine is in no swarm; waiting for `docker swarm init` or `docker swarm join`', { state });
    } catch (error) {
      if (!(error instanceof DockerUnavailable || error instanceof DockerRefused)) throw error;
      log.warn('Docker does not answer; is dockerd running, and is DOCKER_HOST its socket? Waiting for it', {
        reason: describe(error),
      });
    }
    await pause(pauseMs);
  }
}
