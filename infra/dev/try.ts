import { type Cluster, imageName } from '@fairway/cluster';
import { backNetwork, whoamiPort } from './ready.ts';

/** What a person can type in another terminal, as it is. `envFile` makes the commands known there. */
export function commandsToTry(cluster: Cluster, envFile: string, hasSamples: boolean, hasFairway: boolean): string {
  const [first] = cluster.nodes;
  if (!first) return '';
  const blocks: [string, string[]][] = [['In another terminal, first', [`. ${envFile}`]]];
  if (hasSamples) {
    const asked = cluster.nodes.map((node) => `client curl http://${node.address}:${whoamiPort}`);
    blocks.push(['From outside, to each node', asked]);
    blocks.push([`On ${first.name}, to itself`, [`${first.name} curl 127.0.0.1:${whoamiPort}`]]);
    const inside = `docker run --rm --network ${backNetwork} ${imageName} wget -q -O - http://api:${whoamiPort}/`;
    blocks.push([`In a container on ${first.name}, to api's virtual IP`, [`${first.name} ${inside}`]]);
  }
  blocks.push(['The swarm', ['docker node ls', 'docker service ls']]);
  if (hasFairway) blocks.push(['Fairway', ['fairway status']]);
  blocks.push([
    `A shell on ${first.name}, and one in its ingress sandbox`,
    [`${first.name} bash`, `${first.name} nsenter --net=${first.netnsDir}/ingress_sbox bash`],
  ]);
  blocks.push(['Logs', [`ls ${cluster.logDir}`]]);
  return blocks.map(([title, commands]) => `${title}:\n${commands.map((line) => `  ${line}\n`).join('')}`).join('\n');
}
