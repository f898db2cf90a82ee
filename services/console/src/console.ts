import {
  type Bus,
  type Clock,
  deadLetterStream,
  MeshReplica,
  readExamination,
  readExplanation,
  readHandover,
  realClock,
  subjects,
  Verdicts,
  writeQuestion,
  writeRequest,
} from '@fairway/bus';
import { type BehindDocker, parseAsked, type View } from '@fairway/mesh';
import { describe, type Log } from '@fairway/telemetry';
import { Hono } from 'hono';
import { Registry } from 'prom-client';
import { askNode, NodeUnanswered, nodeNamed } from './ask-node.ts';
import { behindDocker, serviceNamed } from './behind-docker.ts';
import { foldView } from './fold-view.ts';
import { followOutlooks } from './follow-outlooks.ts';
import { followThrottled } from './follow-throttled.ts';
import { judgeClock } from './judge-clock.ts';
import { Managers } from './managers.ts';
import { ConvergenceMeter } from './meter/convergence-meter.ts';
import { MeshGauges } from './meter/mesh-gauges.ts';
import { nodeRules } from './node-rules.ts';
import { followOutcomes } from './outcomes.ts';
import { recordEvents } from './record-events.ts';

/** A running console: its HTTP application, the view that it serves, and what stops its listening to the bus. */
export type Console = {
  readonly app: Hono;
  /** Undefined until it has read the mesh. */
  view(): Promise<View | undefined>;
  stop(): Promise<void>;
};

const tooEarly = { error: 'the console has not reached the mesh on the bus yet; is a decider running?' };

/** The console: reads the mesh and the outcomes from the bus and serves them as a view, and asks nodes
 * what they alone know. It writes nothing. */
export function startConsole({
  bus,
  log,
  registry = new Registry(),
  clock = realClock,
}: {
  bus: Bus;
  log: Log;
  /** What is told at /metrics. */
  registry?: Registry;
  clock?: Clock;
}): Console {
  const replica = new MeshReplica({
    onUnreadable: (error) => log.warn('an entry of the mesh cannot be read', { reason: error.message }),
  });
  const convergence = new ConvergenceMeter(registry, clock);
  const recorded = recordEvents({ bus, replica, nowMs: Date.now, clock, convergence });
  let gauges: MeshGauges | undefined;
  const following = bus.mesh.follow(recorded.follower);
  const outcomes = followOutcomes(bus, log, () => replica.current?.generation.revision);
  const throttled = followThrottled(bus, clock);
  const outlooks = followOutlooks(bus, clock);
  const verdicts = new Verdicts({ clock, onChange: (all, news) => replica.judge(all, news) });
  const judging = bus.subscribe(subjects.verdict('*', '*'), (message) => verdicts.hear(message));
  let lost: string | undefined;
  bus.onState((state, detail) => {
    lost = state === 'lost' ? detail : undefined;
  });

  const app = new Hono();
  app.get('/healthz', (context) => context.text('ok\n'));
  // A bus that does not answer is told by `pending`; the last count stands until then.
  let putAside = 0;
  const countPutAside = async () => {
    putAside = await bus.count(deadLetterStream.name).catch(() => putAside);
  };
  const view = async (): Promise<View | undefined> => {
    if (!replica.current) return undefined;
    if (lost === undefined) await countPutAside();
    // From here on at once: what the mesh has changes under its revision.
    const now = foldView(replica.current, {
      outcomes: outcomes.nodes,
      putAside: putAside + outcomes.unreadable,
      unreadable: replica.unreadable,
      throttled: throttled.now,
      ...(outlooks.now ? { outlooks: outlooks.now } : {}),
    });
    if (lost === undefined) return now;
    const why = `the console has lost the bus (${lost}); what it shows is as it was then`;
    return { ...now, converged: false, pending: [{ about: 'bus', why }, ...now.pending] };
  };
  const managers = new Managers(bus);
  /** How far the mesh is behind Docker with a service; undefined where the mesh has none of that name. */
  const behind = async (name: string): Promise<BehindDocker | undefined> => {
    const mesh = replica.current;
    const id = mesh && serviceNamed(mesh, name)?.spec.id;
    if (!mesh || id === undefined) return undefined;
    try {
      const inDocker = await managers.inDocker(id, mesh);
      // What Docker had when it was asked the mesh may have heard meanwhile.
      const service = replica.current?.services.get(id);
      return service && behindDocker(service, inDocker);
    } catch (error) {
      if (!(error instanceof NodeUnanswered)) throw error;
      return { unheard: [`a manager to say what its Docker has: ${error.message}`] };
    }
  };
  app.get('/api/status', async (context) => {
    const service = context.req.query('service');
    // Before the view, which has what was compared, or what came after it.
    const compared = service === undefined ? undefined : await behind(service);
    const now = await view();
    if (!now) return context.json(tooEarly, 503);
    return context.json({ ...now, ...(compared ? { behind: compared } : {}) });
  });
  app.get('/api/nodes/:node/rules', async (context) => {
    const mesh = replica.current;
    if (!mesh) return context.json(tooEarly, 503);
    return context.json(await nodeRules(bus, mesh, context.req.param('node')));
  });
  app.get('/api/nodes/:node/explain', async (context) => {
    const mesh = replica.current;
    if (!mesh) return context.json(tooEarly, 503);
    const target = context.req.query('target') ?? '';
    if (!parseAsked(target))
      return context.json({ error: 'target has to be a port (8000, 53/udp) or a virtual IP' }, 400);
    const node = nodeNamed(mesh, context.req.param('node'));
    return context.json(await askNode(bus, node, 'explain', writeQuestion(target), readExplanation));
  });
  for (const question of ['audit', 'doctor'] as const) {
    app.get(`/api/nodes/:node/${question}`, async (context) => {
      const mesh = replica.current;
      if (!mesh) return context.json(tooEarly, 503);
      const node = nodeNamed(mesh, context.req.param('node'));
      const examined = await askNode(bus, node, question, writeQuestion(), readExamination);
      return context.json({ node: node.name, ...judgeClock(examined, Date.now()) });
    });
  }
  for (const request of ['uninstall', 'install'] as const) {
    app.post(`/api/nodes/:node/${request}`, async (context) => {
      const mesh = replica.current;
      if (!mesh) return context.json(tooEarly, 503);
      const node = nodeNamed(mesh, context.req.param('node'));
      return context.json({
        node: node.name,
        ...(await askNode(bus, node, request, writeRequest(request), readHandover)),
      });
    });
  }
  app.get('/api/events', (context) => {
    const body = context.req.query('follow') === undefined ? recorded.events.text : recorded.events.follow();
    return context.body(body, 200, { 'content-type': 'application/x-ndjson' });
  });
  app.get('/metrics', async (context) => {
    const now = await view();
    // While it reads the mesh it tells nothing of it, or what it was before: that is not nothing.
    if (now && replica.caughtUp) {
      gauges ??= new MeshGauges(registry);
      gauges.show(now);
    }
    return context.body(await registry.metrics(), 200, { 'content-type': registry.contentType });
  });
  app.onError((error, context) => {
    if (error instanceof NodeUnanswered) return context.json({ error: error.message }, error.status);
    log.error('a request failed', { path: context.req.path, reason: describe(error) });
    return context.json({ error: 'the console failed; its log says why' }, 500);
  });
  return {
    app,
    view,
    async stop() {
      verdicts.stop();
      const parts = [following, outcomes, throttled, outlooks, judging, recorded];
      await Promise.all(parts.map((part) => part.stop()));
    },
  };
}
