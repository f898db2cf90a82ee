// On a kernel without IPVS: what the node process says where it is asked for. Nothing else of it is needed, so no Docker and
// no bus is there.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';

const hasIpvs = spawnSync('ipvsadm', ['-S', '-n']).status === 0;
const main = fileURLToPath(new URL('main.ts', import.meta.url));
const ipvsMissing = /the kernel's module ip_vs is missing/;

function start(env: Readonly<Record<string, string>> = {}, ...args: readonly string[]) {
  const node = spawn(process.execPath, [main, ...args], {
    env: {
      PATH: process.env.PATH,
      FAIRWAY_BALANCER: 'ipvs',
      FAIRWAY_NATS_CREDENTIALS: 'none',
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(async () => {
    if (node.exitCode !== null) return;
    node.kill('SIGKILL');
    await once(node, 'close');
  });
  return node;
}

test.runIf(!hasIpvs)('where the choice is left open nftables balances, and what IPVS lacks is said', async () => {
  for await (const line of createInterface({ input: start({ FAIRWAY_BALANCER: 'auto' }).stderr })) {
    if (!line.includes('what balances here')) continue;
    expect(JSON.parse(line)).toMatchObject({ balancer: 'nftables', because: expect.stringMatching(ipvsMissing) });
    return;
  }
  expect.unreachable('it ended before it said what balances');
});

describe.runIf(!hasIpvs)('where IPVS is asked for and the kernel has none', () => {
  test('nftables balances, and the module is named', async () => {
    const said: string[] = [];
    for await (const line of createInterface({ input: start().stderr })) {
      said.push(line);
      if (line.includes('what balances here')) break;
    }
    expect(said.at(-2)).toMatch(ipvsMissing);
    expect(JSON.parse(said.at(-1) ?? '{}')).toMatchObject({ balancer: 'nftables', schedulers: 'rr' });
  });

  test('nothing is served where it is strict', async () => {
    const node = start({}, '--strict');
    const said: string[] = [];
    node.stderr.on('data', (text) => said.push(String(text)));
    const [status] = await once(node, 'close');
    expect(said.join('')).toMatch(ipvsMissing);
    expect(status).toBe(1);
  });
});
