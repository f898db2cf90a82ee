import { expect, it } from 'vitest';
import { engineService, engineTask, type TaskState } from './engine-schema.ts';
import { unsettled } from './settled.ts';

const service = (replicas: number | undefined, update?: string) =>
  engineService.parse({
    ID: 's1',
    Version: { Index: 1 },
    Spec: { Name: 'web', Mode: replicas === undefined ? { Global: {} } : { Replicated: { Replicas: replicas } } },
    ...(update ? { UpdateStatus: { State: update } } : {}),
  });
const tasks = (...states: [desired: TaskState, state: TaskState][]) =>
  states.map(([DesiredState, State], n) =>
    engineTask.parse({ ID: `t${n}`, Version: { Index: 1 }, DesiredState, Status: { State } }),
  );

it.each([
  ['all run', service(2), tasks(['running', 'running'], ['running', 'running']), undefined],
  ['ended tasks are history', service(1), tasks(['running', 'running'], ['shutdown', 'failed']), undefined],
  ['scaled to nothing', service(0), tasks(['remove', 'shutdown']), undefined],
  ['global', service(undefined), tasks(['running', 'running']), undefined],
  ['one starts', service(1), tasks(['running', 'starting']), '1 of 1 tasks do not run yet'],
  ['one waits for another to end', service(1), tasks(['ready', 'ready']), '1 of 1 tasks do not run yet'],
  [
    'one is to end',
    service(1),
    tasks(['running', 'running'], ['shutdown', 'running']),
    '1 tasks are told to end and run',
  ],
  ['none made yet', service(2), tasks(['running', 'running']), '1 of 2 tasks run'],
  ['an update goes on', service(1, 'updating'), tasks(['running', 'running']), 'its update is updating'],
  ['an update is over', service(1, 'completed'), tasks(['running', 'running']), undefined],
])('%s', (_, held, listed, why) => {
  expect(unsettled(held, listed)).toBe(why);
});
