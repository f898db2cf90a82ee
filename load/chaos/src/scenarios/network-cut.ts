import type { Scenario } from '../scenario.ts';

export const networkCut: Scenario = {
  name: 'network-cut',
  says: "a worker's cable is pulled, and put back",
  of: 'swarm',
  async happen(stage) {
    const node = stage.worker();
    const link = (state: 'up' | 'down') => stage.onSwitch(`ip link set ${node.name} ${state}`);
    await stage.without(node, async () => {
      stage.strike(`${node.name}'s cable is pulled`, 1_500);
      await link('down');
      await stage.pause(2_000 + stage.chance.upTo(18_000));
      stage.strike(`${node.name}'s cable is put back`);
      await link('up');
    });
  },
};
