import { describe } from 'vitest';
import { dockerContract } from './docker-contract.ts';
import { MemorySwarm } from './memory-swarm.ts';

describe('the stand-in for Docker', () => {
  dockerContract(async () => {
    const swarm = new MemorySwarm();
    const { docker } = swarm;
    return {
      docker,
      createService: async (wish) => swarm.createService(wish),
      scaleService: async (id, replicas) => swarm.scaleService(id, replicas),
      removeService: async (id) => swarm.removeService(id),
      killContainer: async (id) => swarm.killContainer(id),
      stopDaemon: async () => docker.stopDaemon(),
      startDaemon: async () => docker.startDaemon(),
      end: async () => {},
    };
  });
});
