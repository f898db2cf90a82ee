import type { Scenario } from '../scenario.ts';

export const managerLost: Scenario = {
  name: 'manager-lost',
  says: 'the only manager loses its power, and boots again',
  of: 'swarm',
  async happen(stage) {
    const { manager } = stage.cluster;
    await stage.without(manager, async () => {
      stage.strike(`${manager.name}, the manager, loses its power`, 1_500);
      await stage.cluster.cutPower(manager.name);
      await stage.pause(2_000 + stage.chance.upTo(8_000));
      stage.strike(`${manager.name} has its power again`);
      await stage.cluster.restorePower(manager.name);
    });
  },
};
