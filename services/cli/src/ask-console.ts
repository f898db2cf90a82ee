import type { View } from '@fairway/mesh';

/** The console did not answer, or not with a view. The message says what to do. */
export class ConsoleUnreachable extends Error {}

/** How long the console may take to answer. */
const answerMaxMs = 5_000;

/**
 * Asks the console for its view.
 *
 * @throws {ConsoleUnreachable}
 */
export async function askStatus(consoleUrl: string): Promise<View> {
  const url = `${consoleUrl.replace(/\/$/, '')}/api/status`;
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(answerMaxMs) });
  } catch (cause) {
    const hint = 'Is the console running, and is this its address? Set --console or CONSOLE.';
    throw new ConsoleUnreachable(`No answer from ${url}. ${hint}`, { cause });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (isView(body)) return body;
  const said = body && typeof body === 'object' && 'error' in body ? `: ${body.error}` : '';
  throw new ConsoleUnreachable(`${url} answered ${response.status}${said || ', which is not a Fairway console'}`);
}

function isView(body: unknown): body is View {
  return typeof body === 'object' && body !== null && 'converged' in body && 'services' in body && 'nodes' in body;
}
