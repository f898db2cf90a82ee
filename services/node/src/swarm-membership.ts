import { setTimeout as pause } from 'node:timers/promises';
import type { SavedOwn } from '@fairway/bus';
import { describe, type Log } from '@fairway/telemetry';
import { type Docker, DockerRefused, DockerUnavailable } from '@fairway/watcher';

/** Which node of which swarm this machine is; and what it knew of itself, where its Docker did not answer. */
export type Membership = {
  readonly node: string;
  readonly swarm: string | undefined;
  readonly remembered?: SavedOwn;
};

const pauseMinMs = 200;
const pauseMaxMs = 5_000;

/**
 * Waits until Docker answers and the machine is in a swarm, however long that takes, and says what it waits for. Where it does
 * not answer what the node knew of itself counts.
 */
export async function swarmMembership(docker: Docker, log: Log, remembered: SavedOwn | undefined): Promise<Membership> {
  for (let pauseMs = pauseMinMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    try {
      const { node, swarm, state } = await docker.info();
      if (node) return { node, swarm };
      log.warn('this machine is in no swarm; waiting for `docker swarm init` or `docker swarm join`', { state });
    } catch (error) {
      if (!(error instanceof DockerUnavailable || error instanceof DockerRefused)) throw error;
      if (remembered && error instanceof DockerUnavailable) {
        log.warn('Docker does not answer; this node goes on by what it knew of itself', { reason: describe(error) });
        return { node: remembered.node, swarm: remembered.swarm, remembered };
      }
      log.warn('Docker does not answer; is dockerd running, and is DOCKER_HOST its socket? Waiting for it', {
        reason: describe(error),
      });
    }
    await pause(pauseMs);
  }
}
