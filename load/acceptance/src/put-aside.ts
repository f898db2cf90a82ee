/**
 * Publishes a message where facts are expected and prints the dead letter that comes of it. A program of its own, to be
 * started in the network namespace that the bus is in: `node put-aside.ts SERVERS SUBJECT TEXT`.
 */
import { connectBus, subjects } from '@fairway/bus';

const [servers = '', subject = '', text = ''] = process.argv.slice(2);
const bus = await connectBus({ servers, name: 'acceptance' });
const dead = new Promise<string>((resolve) => {
  bus.subscribe(subjects.deadLetters, (letter) => resolve(letter.text));
});
await bus.publish({ subject, text }, `${subject} ${process.hrtime.bigint()}`);
process.stdout.write(await dead);
await bus.close();
