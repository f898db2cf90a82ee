import type { Bus, Message } from '@fairway/bus';

/**
 * A bus as a service of the next release uses it, for tests of upgrades. This release's code runs on it, and all that it
 * says is as the next one would say it. `fields`: under the same version, each object says more, and each endpoint has a
 * further place. `version`: under the next version, which this release cannot read; the next one reads both.
 */
export function nextRelease(bus: Bus, changes: 'fields' | 'version'): Bus {
  const say = changes === 'fields' ? withMore : (text: string) => ofVersion(2, text);
  const hear = (text: string) => ofVersion(1, text);
  const message = <M extends Message>(held: M): M => ({ ...held, text: hear(held.text) });
  return {
    ...bus,
    publish: (told, id) => bus.publish({ ...told, text: say(told.text) }, id),
    consume: (stream, durable, handle) => bus.consume(stream, durable, (delivery) => handle(message(delivery))),
    mesh: {
      ...bus.mesh,
      async get(key) {
        const entry = await bus.mesh.get(key);
        return entry?.text === undefined ? entry : { ...entry, text: hear(entry.text) };
      },
      put: (key, text, revision) => bus.mesh.put(key, say(text), revision),
      follow: (follower) =>
        bus.mesh.follow({
          begin: (epoch) => follower.begin(epoch),
          entry: (entry) => follower.entry(entry.text === undefined ? entry : { ...entry, text: hear(entry.text) }),
          caughtUp: (revision) => follower.caughtUp(revision),
        }),
    },
  };
}

/** What the next release adds where there is nothing of it yet. */
export const more = { later: { weights: [1, 2], since: 7 } };

type Json = Record<string, unknown>;

function withMore(text: string): string {
  const said = JSON.parse(text) as Json;
  for (const held of [said.body, (said.body as Json)?.spec, (said.body as Json)?.node, (said.body as Json)?.network])
    if (isObject(held)) Object.assign(held, more);
  const packed = said.packed as { endpoints: unknown[][] } | undefined;
  for (const endpoint of packed?.endpoints ?? []) if (endpoint.length === 9) endpoint.push(`later ${endpoint[0]}`);
  return JSON.stringify({ ...more, ...said });
}

/** Text of another kind, as the bucket's epoch, has no version. */
function ofVersion(schema: number, text: string): string {
  if (!text.startsWith('{')) return text;
  const said = JSON.parse(text) as Json;
  return 'schema' in said ? JSON.stringify({ ...said, schema }) : text;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}
