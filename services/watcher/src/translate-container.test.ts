import { describe, expect, it } from 'vitest';
import type { ContainerEvent } from './docker.ts';
import { readEvent } from './engine-events.ts';
import { engineContainer, engineEvent } from './engine-schema.ts';
import { containerLife, eventLife, listedLife, signalNumber } from './translate-container.ts';

// As Docker 20.10.24 answered, cut down.
const labels = {
  'com.docker.swarm.node.id': 'm09aldju37pyg8oumbkqbyp25',
  'com.docker.swarm.service.id': 'wfxnjjhf8m9kblzmk0vogtd4m',
  'com.docker.swarm.task': '',
  'com.docker.swarm.task.id': 'nmnea668yrq083wc2wbke0992',
};
const container = {
  Id: '2cee4f4c9a3d6de95bde4aa36605229098a4df6e41e8961ea206845d275b5864',
  State: { Status: 'running', Running: true, ExitCode: 0, Health: { Status: 'healthy', FailingStreak: 0 } },
  Config: { StopSignal: null, Labels: labels },
};
const killed = {
  Type: 'container',
  Action: 'kill',
  Actor: { ID: container.Id, Attributes: { ...labels, image: 'app:1', signal: '9' } },
  scope: 'local',
  timeNano: 1795489085296054500,
};

describe('a container', () => {
  it.each([
    ['running', 'healthy', 'running'],
    ['running', undefined, 'running'],
    ['running', 'none', 'running'],
    ['running', 'starting', 'starting'],
    ['running', 'unhealthy', 'unhealthy'],
    ['paused', undefined, 'running'],
    ['created', undefined, 'starting'],
    // Docker leaves the last health on a container that ended.
    ['exited', 'unhealthy', 'dead'],
    ['dead', undefined, 'dead'],
    ['removing', 'healthy', 'dead'],
  ])('%s with health %s is %s', (Status, health, life) => {
    const { State } = engineContainer.parse({
      ...container,
      State: { Status, ...(health ? { Health: { Status: health } } : {}) },
    });
    expect(containerLife(State)).toBe(life);
  });

  it('is to be looked at where a listing says that it runs', () => {
    expect(listedLife('running')).toBeUndefined();
    expect(listedLife('exited')).toBe('dead');
    expect(listedLife('created')).toBe('starting');
  });
});

describe('an event', () => {
  const read = (change: object) => readEvent(engineEvent.parse({ ...killed, ...change })) as ContainerEvent;
  const sigterm = signalNumber(undefined);

  it('names task, service and signal', () => {
    expect(read({})).toEqual({
      kind: 'container',
      action: 'kill',
      id: container.Id,
      task: 'nmnea668yrq083wc2wbke0992',
      service: 'wfxnjjhf8m9kblzmk0vogtd4m',
      signal: 9,
    });
  });

  it.each([
    ['create', 'starting'],
    ['start', 'inspect'],
    ['health_status: healthy', 'running'],
    ['health_status: unhealthy', 'unhealthy'],
    ['kill', 'stopping'],
    ['die', 'dead'],
    ['destroy', 'dead'],
  ])('%s says %s', (Action, life) => {
    expect(eventLife(read({ Action }), sigterm)).toBe(life);
  });

  it('of a signal that does not stop the container says nothing', () => {
    const hup: ContainerEvent = { kind: 'container', action: 'kill', id: 'c', task: 't', service: 's', signal: 1 };
    expect(eventLife(hup, sigterm)).toBeUndefined();
    expect(eventLife(hup, signalNumber('SIGHUP'))).toBe('stopping');
  });

  it('of a container that is no task, or of a health check that runs, is not heard', () => {
    expect(read({ Actor: { ID: container.Id, Attributes: { image: 'app:1' } } })).toBeUndefined();
    expect(read({ Action: 'exec_create: /bin/sh -c true' })).toBeUndefined();
  });
});

it.each([
  [null, 15],
  ['', 15],
  ['SIGQUIT', 3],
  ['quit', 3],
  ['10', 10],
  ['SIGRTMIN+3', 37],
  ['nonsense', 15],
])('the stop signal %s is %i', (name, number) => {
  expect(signalNumber(name)).toBe(number);
});
