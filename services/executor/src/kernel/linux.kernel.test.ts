// Address plan: see lab.ts and traffic.kernel.test.ts. Each test has tables and sandbox of its own making.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelContract } from './contract.ts';
import { type Lab, openLab } from './lab.ts';
import { createLinuxKernel } from './linux.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab('verbs');
});
afterAll(() => lab?.close());

describe('the real kernel', () => {
  kernelContract(async () => {
    await lab.replaceSandbox();
    await lab.run('host', 'nft delete table inet fairway 2>/dev/null || true; iptables -F DOCKER-USER');
    await lab.run('host', 'echo 0 >/proc/sys/net/ipv4/conf/docker_gwbridge/route_localnet');
    const { netnsDir, hostNamespace } = lab;
    return { ...lab, kernel: createLinuxKernel({ netnsDir, hostNamespace }) };
  });
});

test('a sandbox that gets the inode of the one before is another one all the same', async () => {
  const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
  const ids = new Set<string | undefined>();
  const inodes = new Set<string | undefined>();
  for (let turn = 1; turn <= 60; turn += 1) {
    await lab.replaceSandbox();
    const id = await kernel.sandboxId();
    ids.add(id);
    inodes.add(id?.split('@')[0]);
    expect(ids.size).toBe(turn);
  }
  expect(inodes.size).toBeLessThan(60);
});

describe('a rebuild that was cut short', () => {
  test('leaves a second table, which the next program takes away', async () => {
    await lab.replaceSandbox();
    await lab.run('sandbox', 'nft add table inet fairway-standby');
    const kernel = createLinuxKernel({ netnsDir: lab.netnsDir });
    expect(await kernel.read('ingress')).toBeUndefined();
    expect(await lab.run('sandbox', 'nft list tables')).toBe('');
  });
});
