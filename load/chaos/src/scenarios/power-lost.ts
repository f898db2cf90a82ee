import type { ClusterNode } from '@fairway/cluster';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';

type Loss = Pick<Scenario, 'name' | 'says'> & {
  readonly nodeOf: (stage: Stage) => ClusterNode;
  /** It is away for 2 s and up to so much longer. */
  readonly awayMaxMs: number;
};

/** A machine loses its power, and boots again a while later with the disk that it had. */
function powerLost({ name, says, nodeOf, awayMaxMs }: Loss): Scenario {
  return {
    name,
    says,
    of: 'swarm',
    async happen(stage) {
      const node = nodeOf(stage);
      await stage.without(node, async () => {
        stage.strike(`${node.name} loses its power`, 1_500);
        await stage.cluster.cutPower(node.name);
        await stage.pause(2_000 + stage.chance.upTo(awayMaxMs));
        stage.strike(`${node.name} has its power again`);
        await stage.cluster.restorePower(node.name, (line) => stage.strike(line, 1_500));
      });
    },
  };
}

/** Docker sees it after some 15 s: sometimes it is back before. */
export const nodeLosesPower = powerLost({
  name: 'node-loses-power',
  says: 'a worker loses its power, and boots again',
  nodeOf: (stage) => stage.worker(),
  awayMaxMs: 18_000,
});

export const managerLost = powerLost({
  name: 'manager-lost',
  says: 'the only manager loses its power, and boots again',
  nodeOf: (stage) => stage.cluster.manager,
  awayMaxMs: 8_000,
});
