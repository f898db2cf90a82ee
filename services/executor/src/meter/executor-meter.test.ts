import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { endpoint, openLab, port } from '../executor-lab.ts';
import { ExecutorMeter } from './executor-meter.ts';

/** An executor that serves web on port 8000, counted; and what was counted, by series. */
async function open() {
  const registry = new Registry();
  const meter = new ExecutorMeter(registry);
  const host = { refuses: false };
  const lab = await openLab({
    onCame: (came) => meter.came(came),
    given: (kernel) =>
      meter.counting({
        ...kernel,
        async apply(namespace, transaction) {
          if (host.refuses && namespace === 'host') throw new Error('nft is not there');
          return kernel.apply(namespace, transaction);
        },
      }),
  });
  const counted = async () => {
    const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith('fairway_'));
    return new Map(
      lines.map((line) => line.split(' ') as [string, string]).map(([name, value]) => [name, Number(value)]),
    );
  };
  await lab.service('web', [port(8000)], [endpoint(5, 'n1')]);
  await lab.pass(1_000);
  return { lab, host, counted };
}

const transactions = (namespace: string, result: string) =>
  `fairway_transaction_duration_seconds_count{namespace="${namespace}",result="${result}"}`;
const outcomes = (kind: string) => `fairway_outcomes_total{kind="${kind}"}`;

test('each transaction is counted where it was, and what a round came to', async () => {
  const { lab, counted } = await open();
  const before = await counted();
  await lab.service('web', [port(8000), port(8001)], [endpoint(5, 'n1')]);
  await lab.pass(1_000);
  const after = await counted();
  const more = (series: string) => (after.get(series) ?? 0) - (before.get(series) ?? 0);
  expect([more(transactions('host', 'applied')), more(transactions('ingress', 'applied'))]).toEqual([1, 1]);
  expect(more('fairway_transaction_elements_sum{namespace="host"}')).toBe(1);
  expect(more(outcomes('applied'))).toBe(1);
  expect(after.get('fairway_applied_revision')).toBe(lab.replica.mesh.generation.revision);
});

test('what fails is counted as that', async () => {
  const { lab, host, counted } = await open();
  host.refuses = true;
  await lab.service('web', [port(8000), port(8001)], [endpoint(5, 'n1')]);
  await lab.pass(10);
  const after = await counted();
  expect(after.get(transactions('host', 'failed'))).toBe(1);
  expect(after.get(outcomes('failed'))).toBe(1);
});

test('what others changed is counted, and that it was put right', async () => {
  const { lab, counted } = await open();
  lab.kernel.tamper('host', 'delete');
  await lab.pass(1_000);
  const after = await counted();
  expect([after.get(outcomes('drifted')), after.get(outcomes('repaired'))]).toEqual([1, 1]);
  expect(after.get('fairway_drift_findings_total{namespace="host"}')).toBe(1);
});

test('sandboxes of networks, of which there may be many, are one series', async () => {
  const registry = new Registry();
  const meter = new ExecutorMeter(registry);
  for (const network of ['back00000', 'front0000'])
    meter.came({ kind: 'drifted', namespace: `lb_${network}`, found: ['the table is missing'] });
  expect(await registry.metrics()).toContain('fairway_drift_findings_total{namespace="network"} 2');
});
