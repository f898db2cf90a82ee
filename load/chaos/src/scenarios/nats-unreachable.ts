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
    await stage.on(
      node,
      `nft 'add table ip chaos; add chain ip chaos cut { type filter hook output priority 0; }; add rule ip chaos cut tcp dport 4222 drop'`,
    );
    await stage.docker('service', 'scale', '--detach', `${name}=${replicas + 1}`);
    await stage.pause(2_000 + stage.chance.upTo(8_000));
    stage.strike(`${node.name} reaches the bus again`);
    await stage.on(node, 'nft delete table ip chaos');
    await stage.docker('service', 'scale', '--detach', `${name}=${replicas}`);
  },
};
