import { createMemoryBus } from '@fairway/bus';
import { upgradeContract } from './rolling-upgrade-contract.ts';

upgradeContract('in memory', async () => {
  const bus = createMemoryBus();
  return { bus, another: async () => bus.another(), close: () => bus.close() };
});
