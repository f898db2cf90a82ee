import { defaultPolicy, type PortPlan, schedulers } from '@fairway/mesh';
import { expect, test } from 'vitest';
import { ipv4, wished } from './sample.ts';
import { wishFromPlan } from './wish.ts';

const policy = defaultPolicy;
const everything = new Set(schedulers);
const gateway = ipv4('172.18.0.2');
const backend = (last: number) => ({ task: `task${last}`, address: ipv4(`10.0.0.${last}`) });
const port = (changes: Partial<PortPlan['port']> = {}): PortPlan['port'] => ({
  protocol: 'tcp',
  first: 8000,
  last: 8000,
  target: 80,
  ...changes,
});
const wish = (...ports: PortPlan[]) =>
  wishFromPlan({ ingress: { network: 'ingress', gateway, ports }, networks: [] }, everything);

test('each port leads to the sandbox, and there to its backends', () => {
  const one = wish({ service: 'web', policy, port: port(), backends: [backend(5), backend(6)] });
  expect(one?.host?.ports).toEqual(new Map([['tcp . 8000', gateway]]));
  expect(one?.ingress?.services).toEqual(
    new Map([
      [
        'tcp . 8000',
        wished([
          { address: ipv4('10.0.0.5'), port: 80 },
          { address: ipv4('10.0.0.6'), port: 80 },
        ]),
      ],
    ]),
  );
  expect(one?.notes).toEqual([]);
});

test('the same number over TCP and UDP are two ports', () => {
  const both = wish(
    { service: 'web', policy, port: port(), backends: [backend(5)] },
    { service: 'dns', policy, port: port({ protocol: 'udp' }), backends: [] },
  );
  expect([...(both?.ingress?.services.keys() ?? [])]).toEqual(['tcp . 8000', 'udp . 8000']);
  expect(both?.ingress?.services.get('udp . 8000')?.targets).toEqual([]);
});

test('a range leads to a range', () => {
  const ranged = wish({ service: 'web', policy, port: port({ last: 8002 }), backends: [backend(5)] });
  expect([...(ranged?.ingress?.services ?? [])].map(([key, { targets }]) => `${key} > ${targets[0]?.port}`)).toEqual([
    'tcp . 8000 > 80',
    'tcp . 8001 > 81',
    'tcp . 8002 > 82',
  ]);
  expect(ranged?.host?.ports.size).toBe(3);
});

test('a backend counts once', () => {
  expect(
    wish({ service: 'web', policy, port: port(), backends: [backend(5), backend(5)] })?.ingress?.services.get(
      'tcp . 8000',
    )?.targets,
  ).toHaveLength(1);
});

test('what has no rules is said', () => {
  const odd = wish(
    { service: 'tel', policy, port: port({ protocol: 'sctp' }), backends: [backend(5)] },
    {
      service: 'web',
      policy,
      port: port(),
      backends: [backend(5), { task: 'six', address: { family: 'ip6', text: 'fd00::6' } }],
    },
  );
  expect(odd?.notes.map(({ about, why }) => `${about}: ${why}`)).toEqual([
    '8000/sctp: SCTP has no rules; publish it in host mode',
    '8000/tcp: fd00::6: only IPv4 is served',
  ]);
  expect(odd?.ingress?.services.get('tcp . 8000')?.targets).toHaveLength(1);
});

test('no sandbox, no wish', () => {
  expect(wishFromPlan({ networks: [] }, everything)).toEqual({ networks: new Map(), notes: [] });
});

test('a draining backend gets no new connections', () => {
  const draining = { ...backend(6), drains: true } as const;
  const one = wish({ service: 'web', policy, port: port(), backends: [backend(5), draining] });
  expect(one?.ingress?.services.get('tcp . 8000')).toEqual(
    wished([{ address: ipv4('10.0.0.5'), port: 80 }], { draining: [{ address: ipv4('10.0.0.6'), port: 80 }] }),
  );
});

test('a scheduler that the node lacks is told, and tasks take turns', () => {
  const ports = [{ service: 'web', policy: { scheduler: 'mh' } as const, port: port(), backends: [backend(5)] }];
  const one = wishFromPlan({ ingress: { network: 'ingress', gateway, ports }, networks: [] }, new Set(['rr']));
  expect(one.ingress?.services.get('tcp . 8000')?.policy).toEqual({ scheduler: 'rr' });
  expect(one.notes).toEqual([
    { kind: 'refused', about: '8000/tcp', why: expect.stringContaining('no scheduler mh (it takes IPVS') },
  ]);
});
