import type { Scenario } from '../scenario.ts';
import { addressesGivenAway } from './addresses-given-away.ts';
import { busMajorityLost, busServerWiped } from './bus-lost.ts';
import { busWiped } from './bus-wiped.ts';
import { clockMoved } from './clock-moved.ts';
import { containerKilled, containerOutOfMemory, containerSickens } from './container-ends.ts';
import { diskFull } from './disk-full.ts';
import { dockerdRestarted } from './dockerd-restarted.ts';
import { natsUnreachable } from './nats-unreachable.ts';
import { networkCut } from './network-cut.ts';
import { nodeJoinsAndLeaves } from './node-joins-and-leaves.ts';
import { oneWayCut } from './one-way-cut.ts';
import { managerLost, nodeLosesPower } from './power-lost.ts';
import { rollingUpdate, scaling } from './service-changes.ts';
import { consoleKilled, deciderKilled, natsKilled, nodeProcessKilled, sentinelKilled } from './service-killed.ts';
import { slowNode } from './slow-node.ts';

/** All there are, in the order in which they are played. */
export const scenarios: readonly Scenario[] = [
  containerKilled,
  containerOutOfMemory,
  containerSickens,
  rollingUpdate,
  scaling,
  deciderKilled,
  sentinelKilled,
  consoleKilled,
  nodeProcessKilled,
  natsKilled,
  natsUnreachable,
  busMajorityLost,
  busServerWiped,
  busWiped,
  diskFull,
  slowNode,
  clockMoved,
  dockerdRestarted,
  nodeLosesPower,
  networkCut,
  oneWayCut,
  managerLost,
  addressesGivenAway,
  nodeJoinsAndLeaves,
];

/** What may happen while something else goes wrong, as long as there is a manager. */
export const changes: readonly Scenario[] = [containerKilled, containerSickens, rollingUpdate, scaling];
/**
 * What takes the manager, needs the swarm for itself, or keeps a node from hearing of a change: that node goes on with what
 * it knew, and of three tasks that an update replaces meanwhile it knows none in the end.
 */
export const alone: readonly Scenario[] = [
  managerLost,
  addressesGivenAway,
  nodeJoinsAndLeaves,
  busMajorityLost,
  busServerWiped,
  busWiped,
  natsUnreachable,
  nodeProcessKilled,
  slowNode,
  clockMoved,
];
