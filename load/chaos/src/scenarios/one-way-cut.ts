import type { Scenario } from '../scenario.ts';

/** Where packets are dropped, by which direction is cut: what a node sends, or what is sent to it. */
const ways = [
  { says: 'nobody hears', hook: 'postrouting priority 300', match: 'oifname "eth0"' },
  { says: 'hears nobody', hook: 'prerouting priority -310', match: 'iifname "eth0"' },
] as const;

export const oneWayCut: Scenario = {
  name: 'one-way-cut',
  says: 'a worker hears the others and they do not hear it, or the other way round',
  of: 'swarm',
  async happen(stage) {
    const node = stage.worker();
    const { says, hook, match } = stage.chance.pick(ways) ?? ways[0];
    await stage.without(node, async () => {
      stage.strike(says === 'nobody hears' ? `nobody hears ${node.name}` : `${node.name} hears nobody`, 1_500);
      await stage.drop(node, hook, match);
      await stage.pause(2_000 + stage.chance.upTo(18_000));
      stage.strike(`${node.name} hears and is heard again`);
      await stage.dropNothing(node);
    });
  },
};
