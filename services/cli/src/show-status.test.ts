import { expect, test } from 'vitest';
import { convergedView, sampleView } from './sample-view.ts';
import { showStatus } from './show-status.ts';

test('what somebody has to do first, then what is waited for, then everything in tables', () => {
  expect(showStatus(sampleView, 90_000)).toMatchInlineSnapshot(`
    "Not converged at revision 42.

    Needs you:
      other: 8000/tcp belongs to web, which was changed later; publish another port

    Waiting:
      service web: task t2 on beta waits for its container to run

    Lost:
      node n3: sentinel1 hears no beat of it, and alpha and beta do not reach it

    Changed by others:
      node beta, host: the table is missing; right again since 60 s
      node beta, ingress: chain mine is unknown and 1 more; found 90 s ago, not right yet

    Not watched:
      sentinel sentinel1: it hears no beat of beta

    Put aside: 3 messages that could not be read (stream FAIRWAY_DEAD).

    NODE   ROLE     STATE          AVAILABILITY  APPLIED      LAST CHANGE
    alpha  manager  ready          active        42           4.3 ms
    beta   worker   ready          drain         40 of 42     12.0 ms
    n3     -        unknown, lost  -             nothing yet  -

    SERVICE  MODE   PORTS                      VIPS             SERVING
    web      vip    8000→80/tcp, 8443→443/tcp  10.0.1.2 (back)  1/2
    old      vip    9000→90/udp                -                0 (global), those that drain still answer
    stopped  vip    9001→90/tcp                -                0/0, connections are refused
    rr       dnsrr  -                          -                left to Docker
    agent    vip    9100→9100/tcp              -                3 (global)

    TASK  SERVICE  NODE   ADDRESSES           STATE     SINCE
    t1    web      alpha  10.0.0.5            serving   90 s
    t2    web      beta   -                   starting  30 s
    t3    old      n9     10.0.0.7, 10.0.1.7  draining  90 s
    "
  `);
});

test('converged, with nothing there', () => {
  expect(showStatus(convergedView, 0)).toBe('Converged: every node has applied revision 7.\n');
});

test.each([
  [-5_000, '0 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_199_000, '120 min'],
  [7_200_000, '2 h'],
])('since %i ms is shown as %s', (sinceMs, age) => {
  const [service] = sampleView.services;
  const [endpoint] = service?.endpoints ?? [];
  if (!service || !endpoint) throw new Error('the sample has an endpoint');
  const view = { ...convergedView, services: [{ ...service, endpoints: [{ ...endpoint, sinceMs: -sinceMs }] }] };
  expect(showStatus(view, 0).trimEnd().endsWith(`  ${age}`)).toBe(true);
});
