import { describe } from 'vitest';
import { dockerContract } from './docker-contract.ts';
import { startRealDocker } from './real-docker.ts';

describe('Docker Engine through dockerode', () => {
  dockerContract(() => startRealDocker('wdocker'));
});
