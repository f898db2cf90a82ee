// The README's demonstration, kept true: each command of it is run, and answers as it is printed there. Port 8000.
import { readFileSync } from 'node:fs';
import { run, until } from '@fairway/cluster';
import { expect } from 'vitest';
import { hasIpvs } from './sandbox-ipvs.ts';
import { test } from './swarm-test.ts';

const readme = new URL('../../../README.md', import.meta.url);

/** The commands of a section's `console` blocks, each with what it prints. */
function demonstration(text: string, heading: string): { command: string; printed: string }[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  const blocks = [...section.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map((found) => found[1] ?? '');
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...printed] = part.split('\n');
        return { command, printed: printed.join('\n') };
      }),
  );
}

/** Without what is another at each run: ids, addresses that Docker gives, ages, and the widths that they make. */
function lasting(text: string): string {
  return (
    text
      .replace(/\b[a-z0-9]{25}\b/g, 'TASK')
      // Swarm's short ids begin a row and may be letters alone; containers' are hexadecimal.
      .replace(/^[a-z0-9]{12}(?=\s)/gm, 'ID')
      .replace(/\b[0-9a-f]{12}\b/g, 'ID')
      .replace(/\b10\.0\.0\.\d+/g, '10.0.0.N')
      .replace(/Running (?:\d+|[a-zA-Z ]+) ?(?:\w+ )?ago/g, 'Running AGO')
      .replace(/[ \t]+/g, ' ')
      .trim()
  );
}

// It shows the rules of a sandbox that nftables balances.
test.skipIf(hasIpvs)('the demonstration of the README answers as it says', async ({ swarm }) => {
  const steps = demonstration(readFileSync(readme, 'utf8'), 'What a routing mesh does');
  expect(steps.length).toBeGreaterThan(5);
  const options = ['--constraint', 'node.hostname==node2'];
  await swarm.create('whoami', { ports: ['8000:8000'], options });
  await swarm.answers('whoami', 8000);
  const environment = Object.entries(swarm.cluster.environment).map(([name, value]) => `${name}=${value}`);
  const said: string[] = [];
  for (const { command, printed } of steps) {
    let last = '';
    await until(
      `\`${command}\` to answer as in the README`,
      async () => {
        last = await run(['env', ...environment, 'bash', '-c', command]);
        return lasting(last) === lasting(printed) || `${lasting(last)}\n--- and not\n${lasting(printed)}`;
      },
      { limitMs: 20_000, everyMs: 200 },
    );
    said.push(last);
  }
  // Who answers on the manager is the container on the worker.
  const container = said.join('\n').match(/^([0-9a-f]{12}) +app:1 +whoami/m)?.[1];
  expect(said.join('\n')).toContain(`I'm ${container}`);
});
