import { expect, it } from 'vitest';
import { engineNetwork, engineNode } from './engine-schema.ts';
import { network } from './translate-network.ts';
import { nodeClaim } from './translate-node.ts';

// As Docker 20.10.24 answered, cut down.
const node = {
  ID: 'm09aldju37pyg8oumbkqbyp25',
  Version: { Index: 26 },
  Spec: { Labels: { zone: 'a' }, Role: 'manager', Availability: 'active' },
  Description: { Hostname: 'one', Platform: { Architecture: 'x86_64', OS: 'linux' } },
  Status: { State: 'ready', Addr: '10.98.0.11' },
};
const secret = {
  Name: 'secret',
  Id: 'q9192ztx3wyzpii3egstmw0dg',
  Scope: 'swarm',
  Driver: 'overlay',
  Internal: false,
  Attachable: true,
  Ingress: false,
  Containers: null,
  Options: { 'com.docker.network.driver.overlay.vxlanid_list': '4097', encrypted: 'true' },
  Labels: null,
};

it('a node has the managers’ word for its role, availability and state', () => {
  expect(nodeClaim(engineNode.parse(node))).toEqual({
    id: node.ID,
    name: 'one',
    index: 26,
    role: 'manager',
    availability: 'active',
    state: 'ready',
    labels: {},
  });
});

it('a node that never said its name is called by its id', () => {
  expect(nodeClaim(engineNode.parse({ ...node, Description: {} })).name).toBe(node.ID);
});

it('an overlay network is encrypted when it has the option', () => {
  expect(network(engineNetwork.parse(secret))).toEqual({
    id: secret.Id,
    name: 'secret',
    index: 0,
    ingress: false,
    attachable: true,
    internal: false,
    encrypted: true,
  });
  const ingress = { ...secret, Ingress: true, Options: null };
  expect(network(engineNetwork.parse(ingress))).toMatchObject({ ingress: true, encrypted: false });
});

it('networks of one node or of another driver are not the mesh’s', () => {
  expect(network(engineNetwork.parse({ ...secret, Scope: 'local' }))).toBeUndefined();
  expect(network(engineNetwork.parse({ ...secret, Driver: 'macvlan' }))).toBeUndefined();
});
