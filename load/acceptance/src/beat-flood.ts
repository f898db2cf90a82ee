/**
 * Beats for a node without end, as fast as its server takes it. A program of its own, to be started in a network namespace that
 * reaches the bus: `node beat-flood.ts SERVERS CREDENTIALS NODE`. Ends with its standard input.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { connectBus, subjects } from '@fairway/bus';

const [servers = '', credentials = '', node = ''] = process.argv.slice(2);
const bus = await connectBus({ servers: servers.split(','), name: 'flood', credentials });
let on = true;
process.stdin.on('end', () => {
  on = false;
});
process.stdin.resume();
while (on) {
  for (let n = 0; n < 500; n++) bus.broadcast({ subject: subjects.beat(node), text: '{}' });
  await turn();
}
await bus.close();
