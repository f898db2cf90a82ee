import type { NodeView, ServiceView, View } from '@fairway/mesh';
import { describe, expect, test } from 'vitest';
import { look, type Steady } from './awaited.ts';
import { convergedView } from './sample-view.ts';

// Nodes alpha (n1) and beta (n2), a service web of two tasks.

const node = (id: string, name: string, more: Partial<NodeView> = {}): NodeView => ({
  id,
  name,
  state: 'ready',
  applied: 7,
  ...more,
});
const nodes = [node('n1', 'alpha'), node('n2', 'beta')];
const serving = (task: string) => ({ task, node: 'n1', state: 'serving', addresses: [], sinceMs: 0 }) as const;
const starting = { ...serving('t2'), node: 'n2', state: 'starting', awaited: 'its container to run' } as const;
const web: ServiceView = {
  id: 's1',
  name: 'web',
  mode: 'vip',
  ports: ['8000→80/tcp'],
  vips: [],
  replicas: 2,
  serving: 2,
  endpoints: [serving('t1'), serving('t2')],
};
const { replicas: _, ...global } = web;
const view = (more: Partial<View> = {}): View => ({ ...convergedView, nodes, services: [web], ...more });

const steadyMs = 1_000;
const at = (askedMs: number, answeredMs = askedMs) => ({ askedMs, answeredMs });
const see = (before: Steady | undefined, shown: View, nowMs: number) =>
  look(before, shown, { name: 'web', steadyMs }, at(nowMs));

/** What is waited for once the service has been as it is for long. */
function waitingFor(shown: View): readonly string[] {
  const { steady } = see(undefined, shown, 0);
  return see(steady, shown, steadyMs).waitingFor;
}

test('nothing, once it has stayed so for a second and not before', () => {
  const first = see(undefined, view(), 0);
  expect(first.waitingFor).toEqual(['it to stay so for a second']);
  expect(see(first.steady, view(), steadyMs - 1).waitingFor).toEqual(['it to stay so for a second']);
  expect(see(first.steady, view(), steadyMs).waitingFor).toEqual([]);
});

test('a change begins the second anew, also one in which all serve again', () => {
  const { steady } = see(undefined, view(), 0);
  const updated = view({ services: [{ ...web, endpoints: [serving('t1'), serving('t3')] }] });
  const second = see(steady, updated, steadyMs);
  expect(second.waitingFor).toEqual(['it to stay so for a second']);
  expect(see(second.steady, updated, 2 * steadyMs).waitingFor).toEqual([]);
});

test('what the mesh has yet to hear is waited for', () => {
  const unheard = ['the mesh to hear of its update'];
  expect(waitingFor(view({ behind: { index: 3, unheard } }))).toEqual(unheard);
});

test('an update that Docker was told of begins it anew, and what does not show in the view has to be everywhere too', () => {
  const { steady } = see(undefined, view({ behind: { index: 3, unheard: [] } }), 0);
  const told = see(steady, view({ behind: { index: 4, unheard: ['the mesh to hear of its update'] } }), 900);
  // A label, say: the mesh has it at revision 8, and no node yet.
  const heard = view({ revision: 8, behind: { index: 4, unheard: [] } });
  const second = see(told.steady, heard, 2_000);
  expect(see(second.steady, heard, 3_000).waitingFor).toEqual([
    'node alpha, which has applied revision 7 of 8',
    'node beta, which has applied revision 7 of 8',
  ]);
  const everywhere = { ...heard, nodes: nodes.map((held) => ({ ...held, applied: 8 })) };
  expect(see(second.steady, everywhere, 3_000).waitingFor).toEqual([]);
});

test('while nobody looked it was not seen to stay so', () => {
  const wanted = { name: 'web', steadyMs };
  const { steady } = look(undefined, view(), wanted, at(0, 5_000));
  expect(look(steady, view(), wanted, at(5_500, 9_000)).waitingFor).toEqual(['it to stay so for a second']);
  expect(look(steady, view(), wanted, at(6_000, 9_000)).waitingFor).toEqual([]);
});

test('it may have to stay so for longer', () => {
  const wanted = { name: 'web', steadyMs: 5_000 };
  const { steady } = look(undefined, view(), wanted, at(0));
  expect(look(steady, view(), wanted, at(4_999)).waitingFor).toEqual(['it to stay so for 5 s']);
  expect(look(steady, view(), wanted, at(5_000)).waitingFor).toEqual([]);
});

test("other services' changes do not: the nodes need not have applied those", () => {
  const { steady } = see(undefined, view(), 0);
  expect(see(steady, view({ revision: 9 }), steadyMs).waitingFor).toEqual([]);
});

test('an update that was rolled back is told, and not waited for: somebody may have asked for it', () => {
  const shown = view({ services: [{ ...web, update: 'rollback_completed' }] });
  expect(waitingFor(shown)).toEqual([]);
  expect(see(undefined, shown, 0).rolledBack).toBe(true);
  expect(see(undefined, view(), 0).rolledBack).toBe(false);
});

describe('what is waited for', () => {
  test.each<[string, View, string[]]>([
    [
      'an update between two of its tasks, all of which serve',
      view({ services: [{ ...web, update: 'updating' }] }),
      ['Docker to end its update'],
    ],
    [
      'an update that failed',
      view({ services: [{ ...web, update: 'paused' }] }),
      ['somebody: its update failed and is paused; `docker service inspect` says why'],
    ],
    ['a service that is not there yet', view({ services: [] }), ['a service web']],
    [
      'a task that starts',
      view({ services: [{ ...web, serving: 1, endpoints: [serving('t1'), starting] }] }),
      ['task t2 on beta, which waits for its container to run'],
    ],
    [
      'a task more than wanted, which will go',
      view({ services: [{ ...web, serving: 3, endpoints: [...web.endpoints, serving('t3')] }] }),
      ['its tasks to serve, 3 of 2 do'],
    ],
    [
      'a task that nobody has spoken of',
      view({ services: [{ ...web, serving: 1 }] }),
      ['its tasks to serve, 1 of 2 do'],
    ],
    ['the first of a global service', view({ services: [{ ...global, serving: 0 }] }), ['its first task']],
    [
      'a node that lags behind',
      view({ nodes: [node('n1', 'alpha', { applied: 6 })] }),
      ['node alpha, which has applied revision 6 of 7'],
    ],
    [
      'a node that has applied nothing',
      view({ nodes: [{ id: 'n1', name: 'alpha', state: 'ready' }] }),
      ['node alpha, which has applied nothing in this epoch'],
    ],
    [
      'a node whose apply failed',
      view({ nodes: [node('n1', 'alpha', { failure: 'no such file' })] }),
      ['node alpha, whose last apply failed: no such file'],
    ],
    [
      'a way to a task on a node',
      view({ pending: [{ about: 'node beta, web', why: 'network back has no way to 10.0.1.5 yet' }] }),
      ['node beta: network back has no way to 10.0.1.5 yet'],
    ],
    [
      'the sandbox that ports lead to',
      view({ pending: [{ about: 'node beta, ingress_sbox', why: 'this node has no ingress sandbox yet' }] }),
      ['node beta: this node has no ingress sandbox yet'],
    ],
    [
      'somebody',
      view({ problems: [{ about: 'web', why: '8000/tcp belongs to api; publish another port' }] }),
      ['somebody: 8000/tcp belongs to api; publish another port'],
    ],
    [
      'the bus',
      view({ pending: [{ about: 'bus', why: 'the console has lost the bus' }] }),
      ['the console has lost the bus'],
    ],
  ])('%s', (_, shown, wanted) => expect(waitingFor(shown)).toEqual(wanted));

  test.each<[string, View]>([
    ['a node that is down', view({ nodes: [node('n1', 'alpha', { state: 'down', applied: 1 })] })],
    [
      'another service',
      view({
        pending: [
          { about: 'node beta, api', why: 'no way' },
          { about: 'service api', why: '0 of 1' },
        ],
      }),
    ],
    ['more tasks of a global service', view({ services: [global] })],
    ['tasks of a service scaled to none', view({ services: [{ ...web, replicas: 0, serving: 0, endpoints: [] }] })],
  ])('not %s', (_, shown) => expect(waitingFor(shown)).toEqual([]));
});
