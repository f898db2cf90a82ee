import type { Scenario } from '../scenario.ts';
import { restless, steady } from '../stage.ts';

export const rollingUpdate: Scenario = {
  name: 'rolling-update',
  says: 'the service that is asked is updated, one task after the other',
  of: 'swarm',
  async happen(stage) {
    stage.strike(`${steady.name} is updated`);
    await stage.docker('service', 'update', '--no-resolve-image', '--force', '--detach', steady.name);
  },
};

export const scaling: Scenario = {
  name: 'scaling',
  says: 'both services are scaled up and down again',
  of: 'swarm',
  async happen(stage) {
    // The steady one then has as many as may be on three nodes.
    const scaled = (factor: number) => [steady, restless].map(({ name, replicas }) => `${name}=${replicas * factor}`);
    stage.strike('both services are scaled up');
    await stage.docker('service', 'scale', '--detach', ...scaled(1.5));
    await stage.pause(stage.chance.upTo(8_000));
    stage.strike('both services are scaled down');
    await stage.docker('service', 'scale', '--detach', ...scaled(1));
  },
};
