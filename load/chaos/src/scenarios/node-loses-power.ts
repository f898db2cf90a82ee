import type { Scenario } from '../scenario.ts';

export const nodeLosesPower: Scenario = {
  name: 'node-loses-power',
  says: 'a worker loses its power, and boots again',
  of: 'swarm',
  async happen(stage) {
    const node = stage.worker();
    await stage.without(node, async () => {
      stage.strike(`${node.name} loses its power`, 1_500);
      await stage.cluster.cutPower(node.name);
      // Docker sees it after some 15 s: sometimes it is back before.
      await stage.pause(2_000 + stage.chance.upTo(18_000));
      stage.strike(`${node.name} has its power again`);
      await stage.cluster.restorePower(node.name);
    });
  },
};
