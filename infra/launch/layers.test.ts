import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Which packages may lean on which others; what is not declared cannot be imported. */
const project = new URL('../../', import.meta.url);

function packagesIn(folder: string): { name: string; leansOn: string[] }[] {
  return readdirSync(new URL(folder, project)).map((dir) => {
    const { name, dependencies = {} } = JSON.parse(
      readFileSync(new URL(`${folder}/${dir}/package.json`, project), 'utf8'),
    ) as { name: string; dependencies?: Record<string, string> };
    return { name, leansOn: Object.keys(dependencies) };
  });
}

const services = packagesIn('services');
const shared = packagesIn('shared');
const namesOf = (packages: readonly { name: string }[]) => packages.map(({ name }) => name);

test('services never import each other; the node process starts its two', () => {
  for (const { name, leansOn } of services) {
    const others = leansOn.filter((dependency) => namesOf(services).includes(dependency));
    expect(others.sort(), name).toEqual(name === '@fairway/node' ? ['@fairway/executor', '@fairway/watcher'] : []);
  }
});

test("the simulation's oracle takes nothing from Fairway but the shapes of values", () => {
  const folder = new URL('load/simulation/src/oracle', project);
  for (const file of readdirSync(folder).filter((name) => !name.endsWith('.test.ts'))) {
    const text = readFileSync(new URL(`oracle/${file}`, new URL('load/simulation/src/', project)), 'utf8');
    for (const [line, from = ''] of text.matchAll(/^import [^;]*? from '([^']+)';$/gm)) {
      if (!from.startsWith('./')) expect(line, file).toMatch(/^import type /);
    }
  }
});

test('what is shared leans on no service', () => {
  for (const { name, leansOn } of shared) {
    expect(
      leansOn.filter((dependency) => namesOf(services).includes(dependency)),
      name,
    ).toEqual([]);
  }
});

test('the mesh, its words and decisions, imports nothing', () => {
  expect(shared.find(({ name }) => name === '@fairway/mesh')?.leansOn).toEqual([]);
  const sources = readdirSync(new URL('shared/mesh/src', project)).filter((file) => !file.endsWith('.test.ts'));
  for (const file of sources) {
    const text = readFileSync(new URL(`shared/mesh/src/${file}`, project), 'utf8');
    for (const [, from] of text.matchAll(/from '([^']+)'/g)) expect(from, file).toMatch(/^\.\//);
  }
});
