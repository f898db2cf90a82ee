import { askStatus } from './ask-console.ts';

/** The ids of the nodes that are ready. @throws {ConsoleUnreachable} */
export async function readyNodes(consoleUrl: string): Promise<readonly string[]> {
  const { nodes } = await askStatus(consoleUrl);
  return nodes.filter(({ state }) => state === 'ready').map(({ id }) => id);
}
