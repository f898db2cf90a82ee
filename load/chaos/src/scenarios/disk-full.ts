import type { ClusterProcess } from '@fairway/cluster';
import type { Scenario } from '../scenario.ts';
import { restless, type Stage } from '../stage.ts';

const diskSize = '256m';

export const diskFull: Scenario = {
  name: 'disk-full',
  says: 'the disk of one of the bus’s servers is full, while a service changes',
  of: 'fairway',
  async happen(stage) {
    const node = stage.worker();
    const server = stage.cluster.process(`${node.name}.nats`);
    const store = stage.cluster.busStore(server.name);
    await restarted(stage, server, `its store is on a disk of ${diskSize}`, async () => {
      await stage.on(
        node,
        `mkdir /run/small && mount -t tmpfs -o size=${diskSize} tmpfs /run/small && cp -a ${store}/. /run/small && mount --move /run/small ${store}`,
      );
    });
    stage.strike(`the disk of ${server.name} is full`);
    await stage.on(node, `dd if=/dev/zero of=${store}/full bs=64k 2>/dev/null || true`);
    for (const replicas of [restless.replicas + 1, restless.replicas]) {
      await stage.docker('service', 'scale', '--detach', `${restless.name}=${replicas}`);
      await stage.pause(2_000 + stage.chance.upTo(3_000));
    }
    // Nothing hangs on this one server's disk: the others store for it. It goes back to the disk that it had.
    await restarted(stage, server, 'it has its old disk again', async () => {
      await stage.on(node, `umount ${store} && rmdir /run/small`);
    });
  },
};

async function restarted(stage: Stage, server: ClusterProcess, what: string, meanwhile: () => Promise<void>) {
  stage.strike(`${server.name} is started again: ${what}`);
  await server.stop();
  await meanwhile();
  await server.start();
}
