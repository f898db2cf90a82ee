import type { Scenario } from '../scenario.ts';

export const busWiped: Scenario = {
  name: 'bus-wiped',
  says: 'all servers of the bus are killed, and begin with empty disks',
  of: 'fairway',
  async happen(stage) {
    stage.strike('the bus loses all that it had');
    await stage.cluster.wipeBus();
    await stage.cluster.busReady();
  },
};
