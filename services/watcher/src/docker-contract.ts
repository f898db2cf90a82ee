import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Docker, type DockerEvent, type DockerEvents, DockerUnavailable } from './docker.ts';
import { serviceInDocker } from './service-in-docker.ts';

/** A swarm of one node, and what can be done to it; real or not. */
export type DockerWorld = {
  readonly docker: Docker;
  /** A service with one port, published without a health check. Returns its id. */
  createService(wish: { name: string; replicas: number; published: number }): Promise<string>;
  scaleService(id: string, replicas: number): Promise<void>;
  removeService(id: string): Promise<void>;
  killContainer(id: string): Promise<void>;
  stopDaemon(): Promise<void>;
  startDaemon(): Promise<void>;
  end(): Promise<void>;
};

/** Asks until the answer is there; the test's own limit ends it. */
export async function eventually<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What a Docker does, for the stand-in and for the real one. The world is made once; each test has its own service. */
export function dockerContract(open: () => Promise<DockerWorld>): void {
  let world: DockerWorld;
  let docker: Docker;
  beforeAll(async () => {
    world = await open();
    docker = world.docker;
  });
  afterAll(() => world?.end());

  it('says which node of which swarm it is', async () => {
    await docker.ping();
    const info = await docker.info();
    expect(info).toMatchObject({ manager: true, state: 'active', version: expect.stringMatching(/^\d+\.\d+/) });
    expect(info.swarm).toMatch(/^\w+$/);
    expect((await docker.listNodes()).fit.map(({ ID }) => ID)).toEqual([info.node]);
    expect(await docker.inspectNode(info.node ?? '')).toMatchObject({ Spec: { Role: 'manager' } });
  });

  it('lists the ingress network and has its sandbox on docker_gwbridge', async () => {
    const { fit: networks } = await docker.listNetworks();
    expect(networks).toMatchObject([{ Name: 'ingress', Ingress: true, Driver: 'overlay', Scope: 'swarm' }]);
    expect(await docker.inspectNetwork(networks[0]?.Id ?? '')).toEqual(networks[0]);
    const gateway = await eventually(() => docker.ingressGateway());
    expect(gateway.text).toMatch(/^172\.\d+\.0\.\d+$/);
    const address = await eventually(() => docker.ingressAddress());
    expect(address.text).toMatch(/^10\.\d+\.\d+\.\d+$/);
  });

  it('has a service with its assigned port and address, its tasks and their containers', async () => {
    const id = await world.createService({ name: 'whole', replicas: 2, published: 8101 });
    const service = await eventually(async () => {
      const held = await docker.inspectService(id);
      return held?.Endpoint.VirtualIPs.length === 1 && held;
    });
    expect(service.Endpoint.Ports).toEqual([
      { Protocol: 'tcp', TargetPort: 80, PublishedPort: 8101, PublishMode: 'ingress' },
    ]);
    expect((await docker.listServices()).fit.map(({ ID }) => ID)).toContain(id);
    const tasks = await eventually(async () => {
      const { fit: listed } = await docker.listTasks(id);
      return listed.filter(({ Status }) => Status.State === 'running').length === 2 && listed;
    });
    for (const task of tasks) {
      expect(task.NetworksAttachments[0]?.Addresses[0]).toMatchObject({ family: 'ip' });
      expect((await docker.inspectTask(task.ID))?.ServiceID).toBe(id);
      // Every id begins with nothing, and Docker takes what one begins with for the whole.
      for (const part of ['', task.ID.slice(0, 1), task.ID.slice(0, -1)])
        expect(await docker.inspectTask(part)).toBeUndefined();
    }
    expect(await serviceInDocker(docker, id)).toMatchObject({
      spec: { id, name: 'whole', replicas: 2, ports: [{ protocol: 'tcp', first: 8101, last: 8101, target: 80 }] },
      wanted: expect.toSatisfy((wanted) => `${wanted.toSorted()}` === `${tasks.map(({ ID }) => ID).sort()}`),
    });
    const { fit: containers } = await docker.listContainers();
    const listed = containers.filter(({ Labels }) => Labels['com.docker.swarm.service.id'] === id);
    expect(listed.map(({ Labels }) => Labels['com.docker.swarm.task.id']).sort()).toEqual(
      tasks.map(({ ID }) => ID).sort(),
    );
    expect(await docker.inspectContainer(listed[0]?.Id ?? '')).toMatchObject({ State: { Status: 'running' } });
    await world.removeService(id);
  });

  it('answers undefined for what it does not have', async () => {
    const unknown = 'aaaaaaaaaaaaaaaaaaaaaaaaa';
    expect(await docker.inspectService(unknown)).toBeUndefined();
    expect(await serviceInDocker(docker, unknown)).toBeUndefined();
    expect(await docker.inspectTask(unknown)).toBeUndefined();
    expect(await docker.inspectNode(unknown)).toBeUndefined();
    expect(await docker.inspectNetwork(unknown)).toBeUndefined();
    expect(await docker.inspectContainer(unknown)).toBeUndefined();
  });

  it('tells of a service, of its container, and of the end of both, in order', async () => {
    const heard = listen(await docker.events());
    const id = await world.createService({ name: 'told', replicas: 1, published: 8102 });
    const start = await eventually(async () => heard.of(id, 'start')[0]);
    await world.killContainer(start.id);
    await eventually(async () => heard.of(id, 'die')[0]);
    await world.removeService(id);
    await eventually(async () => heard.of(id, 'remove')[0]);
    await heard.stop();
    const first = heard.all.filter((event) => event.kind === 'container' && event.id === start.id);
    expect(first.map((event) => event.kind === 'container' && event.action).slice(0, 4)).toEqual([
      'create',
      'start',
      'kill',
      'die',
    ]);
    expect(first[2]).toMatchObject({ signal: 9, service: id, task: start.kind === 'container' && start.task });
    const service = heard.all.filter((event) => event.kind === 'service' && event.id === id);
    expect(service[0]).toMatchObject({ action: 'create', scope: 'swarm' });
    expect(service.at(-1)).toMatchObject({ action: 'remove', scope: 'swarm' });
  });

  it('tells what Swarm decides of tasks: of one that is to stop before its container hears of it', async () => {
    const id = await world.createService({ name: 'decided', replicas: 2, published: 8103 });
    await eventually(async () => {
      const { fit } = await docker.listTasks(id);
      return fit.filter(({ Status }) => Status.State === 'running').length === 2;
    });
    const changes = await docker.taskChanges();
    const heard = listen(await docker.events());
    const decided: { task: string; killed: number }[] = [];
    const ended = (async () => {
      for await (const change of changes)
        if (change !== 'watching' && change.service === id)
          decided.push({ task: change.task, killed: heard.of(id, 'kill').length });
    })();
    await world.scaleService(id, 1);
    const kill = await eventually(async () => heard.of(id, 'kill')[0]);
    const task = kill.kind === 'container' ? kill.task : '';
    expect(decided.find((one) => one.task === task)).toEqual({ task, killed: 0 });
    await world.removeService(id);
    changes.stop();
    await ended;
    await heard.stop();
  });

  it('breaks its events when the daemon is lost, and has another daemon id when it is back', async () => {
    const before = await docker.daemon();
    expect(before).toMatch(/^\w+$/);
    expect(await docker.daemon()).toBe(before);
    const { node } = await docker.info();
    const heard = listen(await docker.events());
    const changes = await docker.taskChanges();
    const watched = (async () => {
      for await (const _ of changes);
    })();
    const lost = expect(watched).rejects.toThrow(DockerUnavailable);
    await world.stopDaemon();
    await lost;
    await expect(heard.ended).rejects.toThrow(DockerUnavailable);
    await expect(docker.info()).rejects.toThrow(DockerUnavailable);
    await expect(docker.events()).rejects.toThrow(DockerUnavailable);
    await world.startDaemon();
    expect((await docker.info()).node).toBe(node);
    const after = await eventually(() => docker.daemon());
    expect(after).toMatch(/^\w+$/);
    expect(after).not.toBe(before);
  });
}

function listen(events: DockerEvents) {
  const all: DockerEvent[] = [];
  const ended = (async () => {
    for await (const event of events) all.push(event);
  })();
  ended.catch(() => {});
  return {
    all,
    ended,
    of: (service: string, action: string) =>
      all.filter(
        (event) =>
          event.action === action &&
          ((event.kind === 'container' && event.service === service) ||
            (event.kind === 'service' && event.id === service)),
      ) as Extract<DockerEvent, { id: string }>[],
    stop: async () => {
      events.stop();
      await ended;
    },
  };
}
