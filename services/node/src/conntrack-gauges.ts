import { readFile } from 'node:fs/promises';
import { Gauge, type Registry } from 'prom-client';

/** How full the host's table of tracked connections is: one that is full drops new ones (kernel, nf_conntrack-sysctl.rst). */
export function registerConntrack(registry: Registry): void {
  const of = (name: string, help: string, file: string) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const text = await readFile(`/proc/sys/net/netfilter/${file}`, 'utf8').catch(() => undefined);
        // Without the module nothing is tracked, and nothing told.
        if (text === undefined) this.remove();
        else this.set(Number(text));
      },
    });
  of('fairway_conntrack_entries', "Connections that the host's kernel tracks.", 'nf_conntrack_count');
  of('fairway_conntrack_entries_limit', 'How many it tracks at most.', 'nf_conntrack_max');
}
