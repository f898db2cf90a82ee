import type { EventLine } from '@fairway/mesh';

const kindWidth = 7;
const nodeWidth = 12;

/** One event as a line for people, with the time as this machine's clock would show it, in UTC. */
export function showEvent({ kind, atMs, node = '-', what, trace }: EventLine): string {
  const time = new Date(atMs).toISOString().slice(11, 23);
  const end = trace === undefined ? '' : `  trace ${trace}`;
  return `${time}  ${kind.padEnd(kindWidth)}  ${node.padEnd(nodeWidth)}  ${what}${end}\n`;
}
