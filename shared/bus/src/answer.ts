import {
  type Address,
  type Examination,
  type Explanation,
  endpointStates,
  findingKinds,
  type KernelTable,
  type ServiceInDocker,
  type Sight,
  sights,
} from '@fairway/mesh';
import * as z from 'zod';
import { list } from './bounded.ts';
import { parseText, Unreadable } from './parse-text.ts';
import * as schema from './schema.ts';
import type { Question } from './subjects.ts';
import { schemaVersion, version } from './version.ts';

/** More than anything told by a node has; an answer is one message. */
const itemsMax = 16_384;

const kernelTables = z.object({
  schema: version,
  tables: list(
    z.object({ namespace: z.string(), text: z.string().exactOptional(), failure: z.string().exactOptional() }),
    itemsMax,
  ),
});

const held = { held: z.boolean().exactOptional() };
const explanation = z.object({
  schema: version,
  node: z.string(),
  target: z.string(),
  revision: schema.index,
  service: z.string().exactOptional(),
  unserved: z.string().exactOptional(),
  backends: list(
    z.object({
      task: z.string(),
      service: z.string(),
      node: z.string(),
      address: z.string().exactOptional(),
      state: z.enum(endpointStates),
      sinceMs: schema.timeMs,
      awaited: z.string().exactOptional(),
      planned: z.boolean(),
      ...held,
    }),
    itemsMax,
  ),
  kernel: list(z.object({ what: z.string(), ...held }), itemsMax),
  notes: list(schema.note, itemsMax),
  causes: list(z.object({ event: z.string(), atMs: schema.timeMs, trace: z.string() }), itemsMax),
});

const examination = z.object({
  schema: version,
  looked: list(z.string(), itemsMax),
  clockMs: schema.timeMs.exactOptional(),
  findings: list(
    z.object({ kind: z.enum(findingKinds), where: z.string(), what: z.string(), breaks: z.string(), mend: z.string() }),
    itemsMax,
  ),
  unable: list(z.object({ where: z.string(), why: z.string() }), itemsMax),
});

const serviceInDocker = z.object({
  schema: version,
  service: z
    .object({ spec: schema.serviceSpec, wanted: list(schema.id, itemsMax), unread: list(schema.id, itemsMax) })
    .exactOptional(),
});

/** What a node says to `uninstall` and `install`: the namespaces that it has left to Docker. */
export type HandoverDone = { readonly released: readonly string[] };

const handoverDone = z.object({ schema: version, released: list(z.string(), itemsMax) });

const question = z.object({ schema: version, target: z.string().max(256).exactOptional() });

/** A question to a node, which its subject names; `target` is what it is about, where it is about something. */
export function writeQuestion(target?: string): string {
  return JSON.stringify({ schema: schemaVersion, ...(target === undefined ? {} : { target }) });
}

/** Reads what a question is about. @throws {Unreadable} */
export function readQuestion(subject: string, text: string): string | undefined {
  return parseText(subject, text, question).target;
}

/** What a node can be asked to do. */
export type NodeRequest = Extract<Question, 'uninstall' | 'install'>;

const request = z.object({ schema: version, request: z.string().max(64) });

/**
 * A request to a node. It says in its text, too, what it asks for: JetStream sends its answers wherever the asker says,
 * and another node may say this one's subject, but not what an answer or an entry says (decision 0010).
 */
export function writeRequest(asked: NodeRequest): string {
  return JSON.stringify({ schema: schemaVersion, request: asked });
}

/** Reads a request, which has to be this one. @throws {Unreadable} */
export function readRequest(subject: string, text: string, wanted: NodeRequest): void {
  const read = parseText(subject, text, request);
  if (read.request !== wanted) throw new Unreadable(subject, `it asks for ${read.request}`);
}

export function writeHandover(done: HandoverDone): string {
  return JSON.stringify({ schema: schemaVersion, ...done });
}

/** Reads a node's answer to `uninstall` or `install`. @throws {Unreadable} */
export function readHandover(subject: string, text: string): HandoverDone {
  return { released: parseText(subject, text, handoverDone).released };
}

const probe = z.object({ schema: version, sandbox: schema.address });
const sight = z.object({ schema: version, sight: z.enum(sights) });

/** Asks a node to try whether it reaches another one's ingress sandbox. */
export function writeProbe(sandbox: Address): string {
  return JSON.stringify({ schema: schemaVersion, sandbox: sandbox.text });
}

/** Reads which address is to be tried. @throws {Unreadable} */
export function readProbe(subject: string, text: string): Address {
  return parseText(subject, text, probe).sandbox;
}

/** A node's answer to the question `probe`. */
export function writeSight(seen: Sight): string {
  return JSON.stringify({ schema: schemaVersion, sight: seen });
}

/** Reads a node's answer to the question `probe`. @throws {Unreadable} */
export function readSight(subject: string, text: string): Sight {
  return parseText(subject, text, sight).sight;
}

/** A node's answer to the question `rules`. */
export function writeKernelTables(tables: readonly KernelTable[]): string {
  return JSON.stringify({ schema: schemaVersion, tables });
}

/** A node's answer to the question `explain`. */
export function writeExplanation(explained: Explanation): string {
  return JSON.stringify({ schema: schemaVersion, ...explained });
}

/** A node's answer to the questions `audit` and `doctor`. */
export function writeExamination(examined: Examination): string {
  return JSON.stringify({ schema: schemaVersion, ...examined });
}

/** Reads a node's answer to the questions `audit` and `doctor`. @throws {Unreadable} */
export function readExamination(subject: string, text: string): Examination {
  const { schema: _, ...examined } = parseText(subject, text, examination);
  return examined;
}

/** Reads a node's answer to the question `rules`. @throws {Unreadable} */
export function readKernelTables(subject: string, text: string): readonly KernelTable[] {
  return parseText(subject, text, kernelTables).tables;
}

/** Reads a node's answer to the question `explain`. @throws {Unreadable} */
export function readExplanation(subject: string, text: string): Explanation {
  const { schema: _, ...explained } = parseText(subject, text, explanation);
  return explained;
}

/** A manager's answer to the question `service`; undefined where its Docker has none of that id. */
export function writeServiceInDocker(service: ServiceInDocker | undefined): string {
  return JSON.stringify({ schema: schemaVersion, ...(service ? { service } : {}) });
}

/** Reads a manager's answer to the question `service`. @throws {Unreadable} */
export function readServiceInDocker(subject: string, text: string): ServiceInDocker | undefined {
  return parseText(subject, text, serviceInDocker).service;
}
