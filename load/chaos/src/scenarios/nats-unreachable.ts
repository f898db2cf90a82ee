import type { Scenario } from '../scenario.ts';
import { restless } from '../stage.ts';

export const natsUnreachable: Scenario = {
  name: 'nats-unreachable',
  says: 'one node cannot reach the bus, while a service changes',
  of: 'fairway',
  async happen(stage) {
    const node = stage.worker();
    const { name, replicas } = restless;
    stage.strike(`${node.name} does not reach the bus`);
    await stage.drop(node, 'output priority 0', 'tcp dport 4222');
    await stage.docker('service', 'scale', '--detach', `${name}=${replicas + 1}`);
    await stage.pause(2_000 + stage.chance.upTo(8_000));
    stage.strike(`${node.name} reaches the bus again`);
    await stage.dropNothing(node);
    await stage.docker('service', 'scale', '--detach', `${name}=${replicas}`);
  },
};
