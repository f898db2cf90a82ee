import type { Cluster } from '@fairway/cluster';
import { whoamiPort } from './ready.ts';

/** What a person can type in another terminal, as it is. */
export function commandsToTry(cluster: Cluster, hasWhoami: boolean, hasFairway: boolean): string {
  const [first] = cluster.nodes;
  if (!first) return '';
  const outside = `nsenter --net=/run/netns/${cluster.client.namespace}`;
  const onNode = `nsenter --net=/run/netns/${first.namespace} nsenter -t ${first.holderPid} -m -u`;
  const blocks: [string, string[]][] = [];
  if (hasWhoami) {
    const urls = cluster.nodes.map((node) => `http://${node.address}:${whoamiPort}`);
    blocks.push(['From outside, to each node', urls.map((url) => `${outside} curl ${url}`)]);
    blocks.push([`On ${first.name}, to itself`, [`${onNode} curl 127.0.0.1:${whoamiPort}`]]);
  }
  blocks.push([
    'The swarm',
    [`docker -H unix://${first.socket} node ls`, `docker -H unix://${first.socket} service ls`],
  ]);
  if (hasFairway) {
    blocks.push(['Fairway', [`CONSOLE=${cluster.consoleUrl} ${outside} ${cluster.binDir}/fairway status`]]);
  }
  blocks.push([
    `A shell on ${first.name}, and one in its ingress sandbox`,
    [onNode, `${onNode} nsenter --net=${first.netnsDir}/ingress_sbox`],
  ]);
  blocks.push(['Logs', [`ls ${cluster.logDir}`]]);
  return blocks.map(([title, commands]) => `${title}:\n${commands.map((line) => `  ${line}\n`).join('')}`).join('\n');
}
