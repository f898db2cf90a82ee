import type { Scenario } from '../scenario.ts';

export const dockerdRestarted: Scenario = {
  name: 'dockerd-restarted',
  says: 'dockerd of a worker ends with all its containers, and is started again',
  of: 'swarm',
  async happen(stage) {
    const node = stage.worker();
    const dockerd = stage.cluster.process(`${node.name}.dockerd`);
    await stage.without(node, async () => {
      stage.strike(`dockerd of ${node.name} ends`, 1_500);
      await dockerd.stop();
      await stage.pause(stage.chance.upTo(6_000));
      stage.strike(`dockerd of ${node.name} is started again`, 1_500);
      await stage.cluster.startDockerd(node.name, (line) => stage.strike(line, 1_500));
    });
  },
};
