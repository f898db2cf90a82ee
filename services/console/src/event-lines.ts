import { type BucketEntry, type Envelope, type ParsedKey, parseKey } from '@fairway/bus';
import { type Cause, type EventLine, type Fact, type Mesh, type Outcome, objectOf, shortTrace } from '@fairway/mesh';

/** A fact as a line. */
export function lineOfFact({ sender, event, atMs, trace, body }: Envelope<Fact>, mesh: Mesh | undefined): EventLine {
  const said = body.kind === 'container' ? `, task ${body.task} is ${body.state}` : '';
  const object = objectOf(body);
  const what = `${body.kind} ${nameOf(object, mesh)}: ${event}${said}`;
  return { kind: 'fact', atMs, node: nameOf(sender, mesh), what, ...traced(trace) };
}

/** A node's outcome as a line. */
export function lineOfOutcome({ sender, atMs, trace, body }: Envelope<Outcome>, mesh: Mesh | undefined): EventLine {
  return { kind: 'outcome', atMs, node: nameOf(sender, mesh), what: showOutcome(body), ...traced(trace) };
}

/** A change of an entry of the mesh as a line; undefined for what is the bucket's own. The mesh is that after it. */
export function lineOfEntry(
  { key, text, revision }: BucketEntry,
  mesh: Mesh | undefined,
  nowMs: number,
): EventLine | undefined {
  const parsed = parseKey(key);
  if (!parsed || parsed.kind === 'epoch') return undefined;
  if (parsed.kind === 'complete') return { kind: 'mesh', atMs: nowMs, what: `revision ${revision}: complete` };
  const { kind, id } = parsed;
  const causes = causesOf(parsed, mesh);
  // One write may bring several causes, which all build on the same revision; the first one's trace has its rounds.
  const brought = text === undefined ? [] : causes.filter(({ after }) => after === causes.at(-1)?.after);
  const by = brought.length > 0 ? ` by ${brought.map(({ event }) => event).join(', ')}` : '';
  const what = `revision ${revision}: ${kind} ${nameOf(id, mesh)}${text === undefined ? ' is forgotten' : by}`;
  return { kind: 'mesh', atMs: nowMs, what, ...traced(brought[0]?.trace) };
}

function causesOf({ kind, id }: ParsedKey & { readonly id: string }, mesh: Mesh | undefined): readonly Cause[] {
  switch (kind) {
    case 'node':
      return mesh?.nodes.get(id)?.causes ?? [];
    case 'reach':
      return mesh?.reach.get(id)?.causes ?? [];
    case 'network':
      return [];
    default:
      return mesh?.services.get(id)?.causes ?? [];
  }
}

function nameOf(id: string, mesh: Mesh | undefined): string {
  return mesh?.nodes.get(id)?.claim?.name ?? mesh?.services.get(id)?.spec.name ?? mesh?.networks.get(id)?.name ?? id;
}

function showOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'applied': {
      const { from, to, durationMs, changes, causes } = outcome;
      const why = [...new Set(causes.map(({ event }) => event))].join(', ');
      const range = from < to ? `${from} to ${to}` : `${to}`;
      const did = `applied revision ${range} in ${durationMs.toFixed(1)} ms, ${changes.added} added, ${changes.removed} removed`;
      return why === '' ? did : `${did}, by ${why}`;
    }
    case 'failed':
      return `failed in ${outcome.namespace} at revision ${outcome.to}: ${outcome.reason}`;
    case 'stale':
      return `stale: revision ${outcome.offered} was offered, and ${outcome.held} is held`;
    default:
      return `${outcome.kind} in ${outcome.namespace}: ${outcome.found.join(', ')}`;
  }
}

function traced(traceparent: string | undefined): { readonly trace?: string } {
  const trace = traceparent === undefined ? undefined : shortTrace(traceparent);
  return trace === undefined ? {} : { trace };
}
