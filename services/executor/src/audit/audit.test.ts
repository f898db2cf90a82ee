// The node and its tasks are those of audit-lab.ts.
import type { Finding, Service } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import {
  api,
  at,
  auditing,
  back,
  endpoint,
  ingress,
  iptablesOfHost,
  meshOf,
  type Node1,
  service,
  way,
  ways,
  web,
} from './audit-lab.ts';

const shown = ({ kind, where, what, breaks }: Finding) => `${kind}, ${where}: ${what}; ${breaks}`;

test('where all is as it should be nothing is found, and what was looked at is told', async () => {
  expect(await auditing({})).toEqual({
    looked: ['1 published port', '1 virtual IP', '4 ways to tasks of other nodes'],
    findings: [],
    unable: [],
  });
});

const without = (text: string, ...lines: readonly string[]) =>
  text
    .split('\n')
    .filter((line) => !lines.some((part) => line.includes(part)))
    .join('\n');
const dnat = '-A DOCKER-INGRESS -p tcp -m tcp --dport 8000 -j DNAT --to-destination';

describe.each<[string, Node1, readonly string[]]>([
  [
    'a port that nothing leads to the sandbox',
    { host: without(iptablesOfHost, dnat) },
    ['missing, host: nothing leads 8000/tcp to the sandbox; web is not reached at 8000/tcp of this node'],
  ],
  [
    'a port that is led to a sandbox of before',
    { host: iptablesOfHost.replace('172.18.0.2:8000', '172.18.0.9:8000') },
    [
      'wrong, host: 8000/tcp is led to 172.18.0.9:8000, and the sandbox is at 172.18.0.2; web is not reached at 8000/tcp of this node',
    ],
  ],
  [
    'a port that a removed service had',
    { host: iptablesOfHost.replace(dnat, `${dnat.replace('8000', '7000')} 172.18.0.2:7000\n${dnat}`) },
    [
      'stale, host: 7000/tcp is led to 172.18.0.2:7000, and no service publishes it; a program of this node that listens on 7000/tcp is not reached',
    ],
  ],
  [
    'a chain that a reload of the firewall took away, as one thing',
    { host: without(iptablesOfHost, 'DOCKER-INGRESS') },
    ['missing, host: there is no chain DOCKER-INGRESS; no published port is reached by this node'],
  ],
  [
    'a chain that nothing leads to',
    { host: without(iptablesOfHost, 'OUTPUT -m addrtype', 'PREROUTING -m addrtype', 'FORWARD -j DOCKER-INGRESS') },
    [
      'missing, host: FORWARD does not ask DOCKER-INGRESS, and drops what nobody accepts; no published port is reached by this node from other machines',
      'missing, host: OUTPUT does not lead to DOCKER-INGRESS; no published port is reached by this node from the node itself',
      'missing, host: PREROUTING does not lead to DOCKER-INGRESS; no published port is reached by this node from other machines',
    ],
  ],
  [
    'a port whose packets nothing accepts',
    { host: without(iptablesOfHost, '--dport 8000 -j ACCEPT') },
    ['missing, host: nothing accepts packets for 8000/tcp; web is not reached at 8000/tcp of this node'],
  ],
  [
    'a task that is gone, and one that is not there',
    { ingress: { ipvs: ingress.ipvs.replace('-f 256 -r 10.0.0.12', '-f 256 -r 10.0.0.55') } },
    [
      'missing, ingress_sbox: IPVS does not have 10.0.0.12, task task12 of web; task task12 of web gets nothing from this node',
      'stale, ingress_sbox: IPVS sends what is for web to 10.0.0.55, where no task is; one request in 3 for web by this node hangs',
    ],
  ],
  [
    'a task of another service, and one of weight 0',
    {
      back: {
        ipvs: back.ipvs.replace('-r 10.0.1.13:0 -m -w 1', '-r 10.0.1.13:0 -m -w 0\n-a -f 257 -r 10.0.1.20:0 -m -w 1'),
      },
      services: [
        web,
        api,
        service('db', 'back00000xyz', '10.0.1.5', undefined, [
          endpoint('back00000xyz', '10.0.1.20', 'n1', { container: 'starting' }),
        ]),
      ],
    },
    [
      'wrong, lb_back00000: IPVS has 10.0.1.13, task task13 of api, with weight 0; task task13 of api gets nothing from this node',
      'wrong, lb_back00000: IPVS sends what is for api to 10.0.1.20, which is task task20 of db; one request in 2 for api by this node reaches db',
    ],
  ],
  [
    'marks that are missing or another service has',
    {
      ingress: {
        iptables: ingress.iptables.replace(
          '--dport 8000 -j MARK --set-xmark 0x100',
          '--dport 8000 -j MARK --set-xmark 0x105',
        ),
      },
    },
    [
      'wrong, ingress_sbox: what comes for 8000/tcp, of web, is marked 261, and what comes for 10.0.0.4 256; web is not reached at 8000/tcp of this node',
    ],
  ],
  [
    'a service that IPVS does not have, and an address',
    { back: { ipvs: '', addresses: without(back.addresses, '10.0.1.4') } },
    [
      "missing, lb_back00000: IPVS has no service 257, of api; api is not reached by its name from this node's containers on back",
      "missing, lb_back00000: the sandbox does not answer for the virtual IP 10.0.1.4 of api; api is not reached by its name from this node's containers on back",
    ],
  ],
  [
    'what a removed service left',
    { services: [web] },
    [
      'stale, lb_back00000: the sandbox answers for the virtual IP 10.0.1.4, and no service has it; what has 10.0.1.4 on network back next is not reached from this node',
      'stale, lb_back00000: what comes for 10.0.1.4 is marked to be balanced, and no service has that virtual IP; what has 10.0.1.4 on network back next is not reached from this node',
    ],
  ],
  [
    'a mark of a port that is published no more',
    { services: [{ ...web, spec: { ...web.spec, ports: [] } }, api], host: without(iptablesOfHost, '8000') },
    [
      'stale, ingress_sbox: what comes for 8000/tcp is marked to be balanced, and no service publishes it; requests to 8000/tcp reach tasks of a service that does not publish it any more',
    ],
  ],
  [
    'a way to another node, by what the other ways say',
    {
      ways: {
        ingress: [way('10.0.0.12', '192.0.2.3'), way('10.0.0.13', '192.0.2.3')],
        back00000xyz: [...ways.back00000xyz, way('10.0.1.14', '192.0.2.2')],
      },
      services: [
        web,
        {
          ...api,
          endpoints: [...api.endpoints, endpoint('back00000xyz', '10.0.1.14', 'n2', { container: 'starting' })],
        },
      ],
    },
    [
      'wrong, overlay ingress: 10.0.0.12, task task12 of web, is on beta at 192.0.2.2, and its way leads to 192.0.2.3; requests of this node to task task12 of web hang',
    ],
  ],
  [
    'no way, and a neighbour entry of another task',
    { ways: { ingress: [way('10.0.0.13', '192.0.2.3', '02:42:0a:00:00:77'), way('10.0.0.3', '192.0.2.3')] } },
    [
      'wrong, overlay ingress: 10.0.0.13, task task13 of web, has 02:42:0a:00:00:0d, and its neighbour entry says 02:42:0a:00:00:77; requests of this node to task task13 of web hang',
      'missing, overlay ingress: there is no way to 10.0.0.12, task task12 of web on beta; requests of this node to task task12 of web hang',
    ],
  ],
  [
    'answers that do not come back',
    { ingress: { iptables: without(ingress.iptables, 'SNAT') } },
    [
      'missing, ingress_sbox: nothing gives balanced connections the address of the sandbox; answers to requests by this node do not come back through it: they hang',
    ],
  ],
  [
    'a sandbox whose overlay is not there',
    { ways: { back00000xyz: undefined } },
    [
      'missing, overlay back: this node has no part in the overlay, but a sandbox for it; requests of this node to all tasks of other nodes on back hang',
    ],
  ],
  [
    'a kernel without IPVS, as one thing',
    { ipvs: false, host: '', ingress: { iptables: '', ipvs: '' } },
    [
      "missing, host: the kernel has no IPVS (module ip_vs); Docker's own mesh serves nothing on this node: 1 published port, 1 virtual IP",
    ],
  ],
])('%s', (_, node, findings) => {
  test('is found', async () => {
    expect((await auditing(node)).findings.map(shown)).toEqual(findings);
  });

  test('is not told where it has passed at the second look', async () => {
    expect((await auditing(node, {})).findings).toEqual([]);
  });
});

test('what is there at the second look alone is not told either', async () => {
  const first = { host: without(iptablesOfHost, dnat) };
  const second = { ingress: { ipvs: ingress.ipvs.replace('-f 256 -r 10.0.0.12', '-f 256 -r 10.0.0.55') } };
  expect((await auditing(first, second)).findings).toEqual([]);
  expect((await auditing({ ...first, ...second }, second)).findings).toHaveLength(2);
});

test('Docker from 28 on asks the chain by way of another', async () => {
  const host = iptablesOfHost.replace(
    '-A FORWARD -j DOCKER-INGRESS',
    '-A FORWARD -j DOCKER-FORWARD\n-A DOCKER-FORWARD -j DOCKER-INGRESS',
  );
  expect((await auditing({ host })).findings).toEqual([]);
  const alone = host.replace('-A FORWARD -j DOCKER-FORWARD\n', '');
  expect((await auditing({ host: alone })).findings).toHaveLength(1);
});

test('of several rules for a port the first leads, and none after the end of the chain', async () => {
  const above = iptablesOfHost.replace(dnat, `${dnat} 192.0.2.9:8000\n${dnat}`);
  expect((await auditing({ host: above })).findings.map(({ what }) => what)).toEqual([
    '8000/tcp is led to 192.0.2.9:8000, and the sandbox is at 172.18.0.2',
  ]);
  const end = `-A DOCKER-INGRESS -j RETURN\nCOMMIT\n`;
  const [filter = '', nat = ''] = iptablesOfHost.split('*nat');
  const below = `${filter}*nat${nat.replace(end, `-A DOCKER-INGRESS -j RETURN\n${dnat.replace('8000', '7000')} 172.18.0.2:7000\nCOMMIT\n`)}`;
  expect((await auditing({ host: below })).findings).toEqual([]);
});

test('while a service is updated its ports and networks of before are not called stale', async () => {
  const services = [{ ...web, spec: { ...web.spec, ports: [], update: 'updating' as const } }, api];
  expect((await auditing({ services, host: iptablesOfHost })).findings).toEqual([]);
  // Docker says of a service that it was rolled back until its next update.
  const over = [{ ...web, spec: { ...web.spec, ports: [], update: 'rollback_completed' as const } }, api];
  expect((await auditing({ services: over, host: iptablesOfHost })).findings).toHaveLength(2);
});

test('a sandbox that is not there is found where the node is to have one', async () => {
  const [endpoint1] = web.endpoints;
  if (!endpoint1) throw new Error('web has tasks');
  const onBack = { ...endpoint1, task: 'task15', addresses: [{ network: 'back00000xyz', address: at('10.0.1.15') }] };
  const missing = ['missing, host: there is no sandbox of network back'];
  const found = async (services: readonly Service[]) =>
    (await auditing({ services, hasBack: false })).findings.map(
      ({ kind, where, what }) => `${kind}, ${where}: ${what}`,
    );
  expect(await found([web, { ...api, endpoints: [...api.endpoints, onBack] }])).toEqual(missing);
  expect(await found([web, api])).toEqual([]);
});

test('where Fairway routes it says that what is found breaks nothing', async () => {
  const [finding] = (await auditing({ serves: true, host: without(iptablesOfHost, dnat) })).findings;
  expect(finding?.breaks).toBe('web is not reached at 8000/tcp of this node; not while Fairway serves here');
  // A port that nobody publishes is none of Fairway's: it goes on to Docker's rules.
  const unpublished = [{ ...web, spec: { ...web.spec, ports: [] } }, api];
  const { findings } = await auditing({ serves: true, services: unpublished });
  expect(findings.map(({ breaks }) => breaks).join()).not.toContain('not while Fairway serves');
});

test('each finding has the command that mends it', async () => {
  const { findings } = await auditing({
    host: without(iptablesOfHost, dnat),
    ingress: { ipvs: ingress.ipvs.replace('-f 256 -r 10.0.0.12', '-f 256 -r 10.0.0.55') },
  });
  expect(findings.map(({ mend }) => mend)).toEqual([
    'iptables -t nat -I DOCKER-INGRESS -p tcp -m tcp --dport 8000 -j DNAT --to-destination 172.18.0.2:8000',
    'nsenter --net=/netns/ingress_sbox ipvsadm -a -f 256 -r 10.0.0.12:0 -m -w 1',
    'nsenter --net=/netns/ingress_sbox ipvsadm -d -f 256 -r 10.0.0.55:0',
  ]);
});

test('where Docker does not say its version in time the host is not looked at: a chain may rightly be missing', async () => {
  const { findings, unable } = await auditing({ version: 'unknown', host: without(iptablesOfHost, 'DOCKER-INGRESS') });
  expect({ findings, unable }).toEqual({
    findings: [],
    unable: [{ where: 'host', why: expect.stringContaining('which version') }],
  });
});

test('what Docker from 29.8 on has on the host is not looked at, and that is told', async () => {
  const { findings, unable } = await auditing({ version: '29.8.1', host: without(iptablesOfHost, 'DOCKER-INGRESS') });
  expect({ findings, unable }).toEqual({
    findings: [],
    unable: [{ where: 'host', why: expect.stringContaining('Docker 29.8.1 has no chain DOCKER-INGRESS') }],
  });
  expect((await auditing({ version: '29.7.0', host: without(iptablesOfHost, dnat) })).findings).toHaveLength(1);
});

test('a service none of whose tasks serves may be there or not', async () => {
  const endpoints = web.endpoints.map((one) => ({ ...one, container: 'starting' as const }));
  const services = [{ ...web, endpoints }, api];
  const bare = { host: '', ingress: { iptables: '', ipvs: '' } };
  expect((await auditing({ services })).findings).toEqual([]);
  expect((await auditing({ services, ...bare })).findings).toEqual([]);
});

test('a task that is to stop may be there with any weight, or not', async () => {
  const [first, second, ...more] = web.endpoints;
  if (!first || !second) throw new Error('web has tasks');
  const services = [{ ...web, endpoints: [first, { ...second, claim: 'released' as const }, ...more] }, api];
  for (const ipvs of [
    ingress.ipvs,
    without(ingress.ipvs, '10.0.0.12'),
    ingress.ipvs.replace('12:0 -m -w 1', '12:0 -m -w 0'),
  ])
    expect((await auditing({ services, ingress: { ipvs } })).findings).toEqual([]);
});

test('of two nodes that have as many ways to one place nobody is called wrong', async () => {
  const held = { ingress: [way('10.0.0.12', '192.0.2.3'), way('10.0.0.13', '192.0.2.3')] };
  expect((await auditing({ ways: held, hasBack: false })).findings).toEqual([]);
});

test('without a mesh, or a complete one, it says so instead of finding all stale', async () => {
  await expect(auditing({ known: undefined })).rejects.toThrow('in no swarm');
  const mesh = meshOf([], { complete: false });
  const known = { mesh, own: { node: 'n1', containers: new Map() } };
  await expect(auditing({ known })).rejects.toThrow('no complete listing');
});
