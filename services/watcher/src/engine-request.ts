import type Dockerode from 'dockerode';
import { DockerRefused, DockerUnavailable } from './docker.ts';

/**
 * moby gives up on a swarm without a leader after 20 s (daemon/cluster/cluster.go, `swarmRequestTimeout`), and its
 * answer is worth waiting for: it still says which node this is.
 */
const requestMaxMs = 25_000;
/** Several of dockerode's calls take no abort signal; this one way of asking does. */
export function get(engine: Dockerode, path: string, abortSignal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    engine.modem.dial(
      { path, method: 'GET', abortSignal, statusCodes: { 200: true, 404: 'not found', 500: 'server error' } },
      (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer)),
    );
  });
}

/** Asks, for at most so long. @throws {DockerRefused | DockerUnavailable} */
export async function request<Answer>(
  operation: string,
  ask: (abortSignal: AbortSignal) => Promise<Answer>,
  maxMs = requestMaxMs,
): Promise<Answer> {
  try {
    return await ask(AbortSignal.timeout(maxMs));
  } catch (cause) {
    throw failureOf(operation, cause);
  }
}

/** docker-modem's errors carry the status of an answer; those without one never got an answer. */
function failureOf(operation: string, cause: unknown): DockerRefused | DockerUnavailable {
  const status = cause instanceof Error && 'statusCode' in cause ? cause.statusCode : undefined;
  return typeof status === 'number'
    ? new DockerRefused(operation, status, { cause })
    : new DockerUnavailable(operation, { cause });
}

/** Opens an answer to `GET /OPERATION?QUERY` that goes on. The signal ends it; opening it is bounded as any other request. */
export async function openStream(
  engine: Dockerode,
  operation: string,
  query: Record<string, string>,
  end: AbortSignal,
): Promise<NodeJS.ReadableStream> {
  const opening = new AbortController();
  const timer = setTimeout(() => opening.abort(), requestMaxMs);
  const statusCodes = { 200: true, 400: 'bad request', 500: 'server error' } as const;
  // docker-modem takes a path that ends in `?` as one to add the options to, and cuts the end off any other with one.
  const path = `/${operation}?`;
  const abortSignal = AbortSignal.any([opening.signal, end]);
  try {
    return await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
      engine.modem.dial(
        { path, options: query, method: 'GET', isStream: true, abortSignal, statusCodes },
        (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer as NodeJS.ReadableStream)),
      );
    });
  } catch (cause) {
    throw failureOf(operation, cause);
  } finally {
    clearTimeout(timer);
  }
}
