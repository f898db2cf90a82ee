/**
 * Publishes a message where facts are expected and prints the dead letter that comes of it. A program of its own, to be
 * started in a network namespace that reaches the bus: `node put-aside.ts SERVERS SENDER LISTENER SUBJECT TEXT`, with the
 * files of who sends it and who hears the dead letter.
 */
import { connectBus, subjects } from '@fairway/bus';

const [servers = '', sender = '', listener = '', subject = '', text = ''] = process.argv.slice(2);
const connect = (credentials: string) => connectBus({ servers: servers.split(','), name: 'acceptance', credentials });
const [sending, listening] = await Promise.all([connect(sender), connect(listener)]);
const dead = new Promise<string>((resolve) => {
  listening.subscribe(subjects.deadLetters, (letter) => resolve(letter.text));
});
await sending.publish({ subject, text }, `${subject} ${process.hrtime.bigint()}`);
process.stdout.write(await dead);
await Promise.all([sending.close(), listening.close()]);
