import { expect, it } from 'vitest';
import { engineTask } from './engine-schema.ts';
import { taskClaim } from './translate-task.ts';

// As Docker 20.10.24 answered, without Spec.
const task = {
  ID: 'h410rxghpbsdgq3oatquxlh3r',
  Version: { Index: 46 },
  ServiceID: 'wfxnjjhf8m9kblzmk0vogtd4m',
  Slot: 2,
  NodeID: 'm09aldju37pyg8oumbkqbyp25',
  Status: { Timestamp: '2026-11-24T02:58:07.196376906Z', State: 'running', Message: 'started', PortStatus: {} },
  DesiredState: 'running',
  NetworksAttachments: [
    { Network: { ID: 'r6w78lbvxt46pag51tef374wf', Version: { Index: 13 } }, Addresses: ['10.0.0.5/24'] },
    { Network: { ID: 'q9192ztx3wyzpii3egstmw0dg', Version: { Index: 18 } }, Addresses: ['10.0.1.6/24'] },
  ],
};
const read = (change: object) => taskClaim(engineTask.parse({ ...task, ...change }));

it('takes node, index and the address on each network', () => {
  expect(read({})).toEqual({
    id: task.ID,
    node: task.NodeID,
    index: 46,
    claim: 'running',
    addresses: [
      { network: 'r6w78lbvxt46pag51tef374wf', address: { family: 'ip', text: '10.0.0.5' } },
      { network: 'q9192ztx3wyzpii3egstmw0dg', address: { family: 'ip', text: '10.0.1.6' } },
    ],
  });
});

it('leaves out a task that has no node yet', () => {
  expect(read({ NodeID: undefined })).toBeUndefined();
});

it.each([
  ['running', 'running', 'running'],
  ['running', 'starting', 'assigned'],
  ['running', 'pending', 'assigned'],
  ['ready', 'ready', 'assigned'],
  ['ready', 'running', 'assigned'],
  ['shutdown', 'running', 'released'],
  ['remove', 'running', 'released'],
  ['running', 'failed', 'released'],
  ['shutdown', 'failed', 'released'],
  ['running', 'orphaned', 'released'],
  ['running', 'rejected', 'released'],
  ['complete', 'running', 'running'],
  ['complete', 'complete', 'released'],
])('desired %s and %s is %s', (DesiredState, State, claim) => {
  expect(read({ DesiredState, Status: { State } })?.claim).toBe(claim);
});
