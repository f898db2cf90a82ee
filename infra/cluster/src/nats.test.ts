import { afterEach, expect, test, vi } from 'vitest';
import { busForm } from './nats.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test.each([
  { nodes: 3, form: 'cluster' },
  { nodes: 5, form: 'cluster' },
  { nodes: 2, form: 'single' },
  { nodes: 3, environment: 'single', form: 'single' },
  { nodes: 3, environment: 'single', asked: 'cluster', form: 'cluster' },
  { nodes: 3, asked: 'single', form: 'single' },
] as const)('the bus of $nodes nodes is $form, where $environment is the standard and $asked is asked for', (given) => {
  vi.stubEnv('FAIRWAY_BUS', 'environment' in given ? given.environment : undefined);
  expect(busForm('asked' in given ? given.asked : undefined, given.nodes)).toBe(given.form);
});
