// The rating is `systemd-analyze security`'s, from 0 (nothing that it knows of is left open) to 10.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { ensurePrograms } from '@fairway/cluster';
import { beforeAll, expect, test } from 'vitest';
import { capabilities } from '../../services/executor/src/kernel/requirements.ts';

const folder = new URL('.', import.meta.url).pathname;
const units = readdirSync(folder).filter((file) => file.endsWith('.service'));
const read = (unit: string) => readFileSync(`${folder}/${unit}`, 'utf8');

beforeAll(() =>
  ensurePrograms([{ program: 'systemd-analyze', package: 'systemd', purpose: 'rating the units' }], (line) =>
    process.stderr.write(`${line}\n`),
  ),
);

function rating(unit: string): number {
  const { stdout, stderr } = spawnSync('systemd-analyze', ['security', '--offline=true', `${folder}/${unit}`], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  const said = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
  if (said === undefined) throw new Error(`systemd-analyze says nothing of ${unit}: ${stderr}`);
  return Number(said);
}

test('there is one for each service', () => {
  expect(units).toEqual(['console', 'decider', 'node', 'sentinel'].map((name) => `fairway-${name}.service`));
});

test.each(units)('%s leaves little open', (unit) => {
  // The node's needs root's network.
  expect(rating(unit)).toBeLessThanOrEqual(unit === 'fairway-node.service' ? 3.5 : 2);
});

test("the node's capabilities are those that it checks for at its start", () => {
  const granted = /^CapabilityBoundingSet=(.*)$/m.exec(read('fairway-node.service'))?.[1]?.split(' ') ?? [];
  expect(granted.sort()).toEqual(capabilities.map(({ name }) => name).sort());
});

test.each(units)('%s starts a main that there is, and its credentials file', (unit) => {
  const name = /fairway-(\w+)/.exec(unit)?.[1];
  const started = /^ExecStart=.* \/opt\/fairway\/(\S+)$/m.exec(read(unit))?.[1];
  expect(started).toBe(`services/${name}/src/main.ts`);
  expect(readFileSync(`${folder}/../../${started}`, 'utf8')).not.toBe('');
  expect(read(unit)).toContain(`LoadCredential=bus.json:/etc/fairway/credentials/clients/${name}.json\n`);
});
