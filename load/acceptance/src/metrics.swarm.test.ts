// What Prometheus is told, by the console and by each node. Ports 87xx.
import { expect } from 'vitest';
import { test } from './swarm-test.ts';

/** Series and their values, as a text in Prometheus's format has them. */
function parse(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

test('the console tells the mesh and how fast it converges, each node what its kernel took', async ({ swarm }) => {
  await swarm.create('counted', { ports: ['8750:8000'], replicas: 2 });
  await swarm.answers('counted', 8750, 2);
  const view = await swarm.converged();
  const [url] = (swarm.cluster.environment.CONSOLE ?? '').split(',');
  const ofConsole = async () => {
    const { stdout, stderr } = await swarm.cluster.client.exec(`curl -sf ${url}/metrics`);
    expect(stdout, stderr).not.toBe('');
    return parse(stdout);
  };
  const mesh = await ofConsole();
  expect(mesh.get('fairway_converged')).toBe(1);
  expect(mesh.get('fairway_nodes{state="ready"}')).toBe(swarm.nodes.length);
  expect(mesh.get('fairway_endpoints{state="serving"}')).toBe(
    view.services.reduce((sum, { serving }) => sum + serving, 0),
  );
  for (const stage of ['decided', 'applied', 'total'])
    expect(mesh.get(`fairway_convergence_seconds_count{stage="${stage}"}`), stage).toBeGreaterThan(0);
  for (const node of swarm.nodes) {
    const { stdout } = await node.exec('curl -sf http://127.0.0.1:9464/metrics');
    const counted = parse(stdout);
    for (const namespace of ['host', 'ingress'])
      expect(
        counted.get(`fairway_transaction_duration_seconds_count{namespace="${namespace}",result="applied"}`),
        `${node.name}, ${namespace}`,
      ).toBeGreaterThan(0);
    expect(counted.get('fairway_applied_revision')).toBe(view.revision);
    expect(counted.get('fairway_conntrack_entries_limit')).toBeGreaterThan(0);
  }
});
