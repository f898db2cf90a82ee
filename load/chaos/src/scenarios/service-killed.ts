import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';

/** One of Fairway's own processes is killed, and started again a while later: no request is to notice. */
function killed(service: string, says: string, processOf: (stage: Stage) => ReturnType<Stage['replica']>): Scenario {
  return {
    name: `${service}-killed`,
    says,
    of: 'fairway',
    async happen(stage) {
      const process = processOf(stage);
      stage.strike(`${process.name} is killed`);
      await process.kill();
      await stage.pause(stage.chance.upTo(6_000));
      stage.strike(`${process.name} is started again`);
      await process.start();
    },
  };
}

export const deciderKilled = killed('decider', 'a decider is killed, and started again', (stage) =>
  stage.replica('decider'),
);
export const sentinelKilled = killed('sentinel', 'a sentinel is killed, and started again', (stage) =>
  stage.replica('sentinel'),
);
export const consoleKilled = killed('console', 'a console is killed, and started again', (stage) =>
  stage.replica('console'),
);
/** Watcher and executor are one process. */
export const nodeProcessKilled = killed(
  'node-process',
  'watcher and executor of a node are killed, and started again',
  (stage) => stage.cluster.process((stage.chance.pick(stage.nodes) ?? stage.worker()).name),
);
export const natsKilled = killed('nats', 'a server of the bus is killed, and started again', (stage) => {
  const server = stage.chance.pick(stage.cluster.bus.servers);
  if (!server) throw new Error('the bus has no server');
  return server;
});
