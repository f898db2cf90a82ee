import { type Bus, connectBus, keys } from '@fairway/bus';
import { SpawnedServer } from '@fairway/bus/spawned-server';
import { expect, test } from 'vitest';
import { claim, container, report } from './decider-lab.ts';
import { becomes, Upgrade, upgradeContract } from './rolling-upgrade-contract.ts';

async function open() {
  const server = await SpawnedServer.start();
  const made: Bus[] = [];
  const another = async () => {
    const bus = await connectBus({ servers: server.url, name: `upgrade ${made.length}` });
    made.push(bus);
    return bus;
  };
  return {
    bus: await another(),
    another,
    async close() {
      await Promise.all(made.map((bus) => bus.close()));
      await server.remove();
    },
  };
}

upgradeContract('on NATS', open);

test('facts about an entry of a later version come to the newer decider, which shares the consumer', async () => {
  const upgrade = new Upgrade(await open());
  await upgrade.begin();
  const newer = await upgrade.decider('version');
  await upgrade.tell(report('web', 5, [claim('t1', 'n1', 6)]));
  await becomes(async () => expect(await upgrade.entry(keys.service('web'))).toMatchObject({ schema: 2 }));
  await newer.stop();
  const older = await upgrade.decider('older');
  await upgrade.tell(container('web', 't1', 'n1', 100));
  await becomes(() => expect(upgrade.said.join()).toContain('facts could not be folded'));
  await upgrade.decider('version');
  await older.stop();
  await becomes(async () =>
    expect(JSON.stringify(await upgrade.entry(keys.service('web')))).toContain('"running",0,100'),
  );
  expect(upgrade.putAside).toEqual([]);
  await upgrade.end();
});
