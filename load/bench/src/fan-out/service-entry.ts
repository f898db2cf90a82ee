import { writeService } from '@fairway/bus';

const tasks = 20;
const nodes = 10;
const causes = 4;
const atMs = 1_764_000_000_000;

/** A service's entry as a decider writes it, with 20 tasks on 10 nodes and the events of its last changes: 4 KB. */
export function serviceEntry(service: number, change: number): string {
  const id = dockerId('s', service);
  return writeService({
    spec: {
      id,
      name: `service-${service}`,
      index: change,
      mode: 'vip',
      ports: [{ protocol: 'tcp', first: 20_000 + service, last: 20_000 + service, target: 8000 }],
      vips: [{ network: dockerId('w', 0), address: { family: 'ip', text: `10.0.255.${service % 256}` } }],
      labels: {},
      replicas: tasks,
    },
    endpoints: Array.from({ length: tasks }, (_, n) => ({
      task: dockerId('t', service * tasks + n),
      node: dockerId('n', n % nodes),
      claim: 'running',
      index: change,
      addresses: [{ network: dockerId('w', 0), address: { family: 'ip', text: `10.0.${service % 256}.${n + 2}` } }],
      container: 'running',
      incarnation: { boot: '2f1c9b7e-4d3a-4b8e-9a53-0d7f0e8f5a11', daemon: String(n % nodes).padStart(12, '0') },
      tick: 987_654_321_012,
      sinceMs: atMs,
    })),
    causes: Array.from({ length: causes }, (_, n) => ({
      trace: `00-${String(change).padStart(32, '0')}-${String(n).padStart(16, '0')}-01`,
      event: 'container start',
      atMs,
      after: change,
    })),
    of: 1,
    seen: change,
  });
}

/** As long as Docker's own ids, 25 characters. */
function dockerId(kind: string, n: number): string {
  return `${kind}${String(n).padStart(24, '0')}`;
}
