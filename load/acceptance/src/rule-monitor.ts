import { type ChildProcess, spawn } from 'node:child_process';
import { type ClusterNode, until } from '@fairway/cluster';

/** A table that is added and deleted to see the monitor see it. Docker's tables change too, and are left out. */
const marker = 'acceptance';

/** What the kernel itself says of changes to Fairway's table on a node, by `nft monitor`. */
export class RuleMonitor {
  readonly #node: ClusterNode;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  private constructor(node: ClusterNode) {
    this.#node = node;
    this.#child = spawn('nsenter', [`--net=/run/netns/${node.namespace}`, 'nft', 'monitor']);
    let rest = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (data: string) => {
      const lines = (rest + data).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines);
    });
  }

  /** Starts it and waits until it hears. */
  static async start(node: ClusterNode): Promise<RuleMonitor> {
    const monitor = new RuleMonitor(node);
    await until(
      'nft monitor to hear',
      async () => {
        await node.exec(['nft', 'delete', 'table', 'ip', marker]);
        await node.exec(['nft', 'add', 'table', 'ip', marker]);
        return monitor.#lines.some((line) => line === `add table ip ${marker}`) || 'nothing heard';
      },
      { limitMs: 10_000 },
    );
    return monitor;
  }

  /** Waits until everything so far was heard, ends it, and returns the lines about Fairway's table in their order. */
  async end(): Promise<string[]> {
    const before = this.#lines.length;
    await this.#node.exec(['nft', 'delete', 'table', 'ip', marker]);
    await until(
      'nft monitor to have heard the last change',
      async () => this.#lines.slice(before).includes(`delete table ip ${marker}`) || 'not yet',
      { limitMs: 10_000 },
    );
    this.#child.kill();
    return this.#lines.filter((line) => line.includes('inet fairway'));
  }
}
