import type { EventLine, Explanation, NodeExamination, NodeRules, View } from '@fairway/mesh';

/** The console did not answer, or not with what was asked for. The message says what to do. */
export class ConsoleUnreachable extends Error {}

/** How long the console may take to answer. */
const answerMaxMs = 6_000;
/** Likewise where it asks a node, which may take 10 s. */
const nodeAnswerMaxMs = 12_000;
/** Likewise where the node looks twice, which may take 20 s. */
const examinationMaxMs = 22_000;
const viewFields = ['converged', 'services', 'nodes'];
/** What a console answers that has not read the mesh yet. */
const tooEarlyStatus = 503;
/** A node that is left to Docker, or taken back, may take 15 s. */
const handoverMaxMs = 20_000;

/**
 * Consoles, by their URLs with commas between: each has all there is to tell, and the first that answers is asked. Their
 * time is shared, as one whose machine is gone does not even refuse.
 */
function consolesOf(consoleUrl: string): readonly string[] {
  return consoleUrl
    .split(',')
    .map((url) => url.trim().replace(/\/$/, ''))
    .filter((url) => url !== '');
}

/** Asks the console for its view. @throws {ConsoleUnreachable} */
export function askStatus(consoleUrl: string): Promise<View> {
  return askConsole<View>(consoleUrl, '/api/status', viewFields);
}

/**
 * Asks the console for its view, and how far the mesh is behind what a manager's Docker has of a service, which takes `limitMs`
 * at most. A console of an earlier release does not say that.
 * @throws {ConsoleUnreachable}
 */
export function askBehind(consoleUrl: string, service: string, limitMs: number): Promise<View> {
  return askConsole<View>(consoleUrl, `/api/status?service=${encodeURIComponent(service)}`, viewFields, {
    limitMs: Math.min(limitMs, nodeAnswerMaxMs),
  });
}

/** Asks the console for what is in a node's kernel. @throws {ConsoleUnreachable} */
export function askRules(consoleUrl: string, node: string): Promise<NodeRules> {
  return askConsole<NodeRules>(consoleUrl, `/api/nodes/${encodeURIComponent(node)}/rules`, ['node', 'tables'], {
    limitMs: nodeAnswerMaxMs * consolesOf(consoleUrl).length,
  });
}

/** Asks the console where a node leads a port or a virtual IP, and why. @throws {ConsoleUnreachable} */
export function askExplanation(consoleUrl: string, node: string, target: string): Promise<Explanation> {
  const path = `/api/nodes/${encodeURIComponent(node)}/explain?target=${encodeURIComponent(target)}`;
  return askConsole<Explanation>(consoleUrl, path, ['node', 'target', 'backends', 'kernel'], {
    limitMs: nodeAnswerMaxMs * consolesOf(consoleUrl).length,
  });
}

/** Has a node look at Docker's own mesh, or at what keeps the mesh from working. @throws {ConsoleUnreachable} */
export function askExamination(
  consoleUrl: string,
  question: 'audit' | 'doctor',
  node: string,
): Promise<NodeExamination> {
  const fields = ['node', 'looked', 'findings', 'unable'];
  return askConsole<NodeExamination>(consoleUrl, `/api/nodes/${encodeURIComponent(node)}/${question}`, fields, {
    limitMs: examinationMaxMs * consolesOf(consoleUrl).length,
  });
}

/** What became of a node that was left to Docker, or taken back. */
export type Handover = { readonly node: string; readonly released: readonly string[] };

/** Has a node left to Docker, or taken back. @throws {ConsoleUnreachable} */
export function askHandover(consoleUrl: string, request: 'uninstall' | 'install', node: string): Promise<Handover> {
  const path = `/api/nodes/${encodeURIComponent(node)}/${request}`;
  return askConsole<Handover>(consoleUrl, path, ['node', 'released'], {
    limitMs: handoverMaxMs,
    method: 'POST',
  });
}

/**
 * The last events on the bus, and with `follow` each new one, until the console ends it.
 * @throws {ConsoleUnreachable}
 */
export async function* askEvents(consoleUrl: string, follow: boolean): AsyncGenerator<EventLine> {
  const { url, response, reached } = await reach(consoleUrl, `/api/events${follow ? '?follow' : ''}`, {
    limitMs: answerMaxMs,
  });
  try {
    if (!response.ok || response.body === null || !response.headers.get('content-type')?.includes('ndjson')) {
      throw new ConsoleUnreachable(
        `${url} answered ${response.status}, which is not a Fairway console's list of events`,
      );
    }
    if (follow) {
      // What is followed may take as long as it likes, once it has begun.
      reached();
      yield* linesOf(url, response.body.pipeThrough(new TextDecoderStream()));
    } else {
      // All of it first: whoever reads what is told, a pager say, may take longer than the console may.
      const text = await response.text().catch((cause) => {
        throw wentAway(url, cause);
      });
      reached();
      yield* linesOf(url, [text]);
    }
  } finally {
    reached();
  }
}

async function* linesOf(url: string, parts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<EventLine> {
  try {
    let begun = '';
    for await (const part of parts) {
      const lines = (begun + part).split('\n');
      begun = lines.pop() ?? '';
      // An empty line says that the console is still there.
      for (const line of lines) if (line !== '') yield JSON.parse(line) as EventLine;
    }
  } catch (cause) {
    throw wentAway(url, cause);
  }
}

function wentAway(url: string, cause: unknown): ConsoleUnreachable {
  return new ConsoleUnreachable(`${url}: the console went away`, { cause });
}

type Asking = { readonly limitMs: number; readonly method?: 'GET' | 'POST' };

/** An answer that has begun, from the first console that gives one. `reached` ends the limit on the rest of it. */
type Reached = { readonly url: string; readonly response: Response; readonly reached: () => void };

/** @throws {ConsoleUnreachable} */
async function reach(consoleUrl: string, path: string, { limitMs, method = 'GET' }: Asking): Promise<Reached> {
  const urls = consolesOf(consoleUrl).map((console) => `${console}${path}`);
  let cause: unknown;
  for (const [at, url] of urls.entries()) {
    const tooLate = new AbortController();
    const timer = setTimeout(() => tooLate.abort(), limitMs / urls.length);
    const reached = () => clearTimeout(timer);
    try {
      const response = await fetch(url, { signal: tooLate.signal, method });
      // One that has only just begun knows less than the next.
      if (response.status !== tooEarlyStatus || at === urls.length - 1) return { url, response, reached };
    } catch (error) {
      cause = error;
    }
    reached();
  }
  const hint =
    urls.length > 1
      ? 'Is a console running, and are these their addresses?'
      : 'Is the console running, and is this its address?';
  throw new ConsoleUnreachable(`No answer from ${urls.join(', ')}. ${hint} Set --console or CONSOLE.`, { cause });
}

/** An answer is known by its fields: what else listens on the address may answer JSON too. */
async function askConsole<Answer>(
  consoleUrl: string,
  path: string,
  fields: readonly string[],
  { limitMs = answerMaxMs, method = 'GET' }: Partial<Asking> = {},
): Promise<Answer> {
  const { url, response, reached } = await reach(consoleUrl, path, { limitMs, method });
  const body: unknown = await response
    .json()
    .catch(() => undefined)
    .finally(reached);
  if (typeof body === 'object' && body !== null && fields.every((field) => field in body)) return body as Answer;
  const said = body && typeof body === 'object' && 'error' in body ? `: ${body.error}` : '';
  throw new ConsoleUnreachable(`${url} answered ${response.status}${said || ', which is not a Fairway console'}`);
}
