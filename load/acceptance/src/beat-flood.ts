/**
 * Beats for a node without end, some 50,000 times a second. A program of its own, to be started in a network namespace that
 * reaches the bus: `node beat-flood.ts SERVERS CREDENTIALS NODE`. Ends with its standard input.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connectBus, subjects } from '@fairway/bus';

const [servers = '', credentials = '', node = ''] = process.argv.slice(2);
process.stdin.on('end', () => process.exit()).resume();
const bus = await connectBus({ servers: servers.split(','), name: 'flood', credentials });
for (;;) {
  for (let n = 0; n < 500; n++) bus.broadcast({ subject: subjects.beat(node), text: '{}' });
  await pause(10);
}
