import type { Scenario } from '../scenario.ts';

/** Two servers of three, or the only one: what is left stores nothing. Nodes go on with what they have. */
export const busMajorityLost: Scenario = {
  name: 'bus-majority-lost',
  says: 'most servers of the bus are killed, and started again',
  of: 'fairway',
  async happen(stage) {
    const { servers } = stage.cluster.bus;
    const kept = servers.length > 1 ? stage.chance.pick(servers) : undefined;
    const lost = servers.filter(({ name }) => name !== kept?.name);
    stage.strike(`${lost.map(({ name }) => name).join(' and ')} are killed`);
    await Promise.all(lost.map((server) => server.kill()));
    await stage.pause(2_000 + stage.chance.upTo(6_000));
    stage.strike('they are started again');
    for (const server of lost) await server.start();
  },
};

/** It comes back without anything, and has from the others what they have. */
export const busServerWiped: Scenario = {
  name: 'bus-server-wiped',
  says: 'a server of the bus is killed, and begins with an empty disk',
  of: 'fairway',
  async happen(stage) {
    const server = stage.chance.pick(stage.cluster.bus.servers);
    if (!server) throw new Error('the bus has no server');
    stage.strike(`${server.name} loses all that it had`);
    await stage.cluster.wipeBus([server.name]);
    await stage.cluster.busReady();
  },
};
