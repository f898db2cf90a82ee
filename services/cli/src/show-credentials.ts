import type { ListedServer, User } from '@fairway/credentials';
import { table } from './table.ts';

/** Who may connect, and the servers, as tables. */
export function showCredentials(users: readonly User[], servers: readonly ListedServer[]): string {
  const people = users.map(({ name, role, keys }) => [
    name,
    role,
    keys.length === 1 ? '1' : `${keys.length}, being rotated`,
    keys.map(({ madeAt }) => madeAt.slice(0, 10)).at(-1) ?? '',
  ]);
  const machines = servers.map(({ name, address, clientPort, expiresAt }) => [
    name,
    `${address}:${clientPort}`,
    expiresAt.toISOString().slice(0, 10),
  ]);
  return [table(['NAME', 'ROLE', 'KEYS', 'SINCE'], people), table(['SERVER', 'ADDRESS', 'CERTIFICATE UNTIL'], machines)]
    .filter((part) => part !== '')
    .join('\n');
}
