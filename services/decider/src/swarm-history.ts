import type { Fact, TaskClaim } from '@fairway/mesh';
import { claim, container, life, report } from './decider-lab.ts';

// Services web and api: in each of four rounds a task on each of the nodes n1 to n3, which replaces the one before it.
// Each second task of a round before the last crashes as soon as it runs. Manager m1 reports each service with all of
// its tasks. Service old is removed on the way, node n3 tells at last which tasks it has.

const rounds = [1, 2, 3, 4] as const;
const nodes = ['n1', 'n2', 'n3'] as const;

/** What each sender says, in its own order, and what is true at the end. */
export function history(): { says: Map<string, Fact[]>; truth: Record<string, string[]> } {
  const says = new Map<string, Fact[]>(['m1', ...nodes].map((sender) => [sender, []]));
  const say = (sender: string, fact: Fact) => says.get(sender)?.push(fact);
  let index = 10;
  let tick = 100;
  let next = 1;
  const truth: Record<string, string[]> = { old: ['removed'] };

  say('m1', report('old', index++, [claim('t900', 'n1', index++)]));
  say('n1', container('old', 't900', 'n1', tick++));
  for (const service of ['web', 'api']) {
    const tasks = new Map<string, TaskClaim>();
    const tell = () => say('m1', report(service, 5, [...tasks.values()]));
    const told = (task: string, node: string, word: TaskClaim['claim']) => {
      tasks.set(task, claim(task, node, index++, word));
      tell();
    };
    const alive = new Map<string, string>();
    for (const round of rounds) {
      for (const node of nodes) {
        const before = alive.get(node);
        if (before) {
          told(before, node, 'released');
          say(node, container(service, before, node, tick++, 'stopping'));
          say(node, container(service, before, node, tick++, 'dead'));
        }
        const task = `t${next++}`;
        told(task, node, 'assigned');
        say(node, container(service, task, node, tick++, 'starting'));
        say(node, container(service, task, node, tick++, 'running'));
        const crashes = round < 4 && next % 2 === 0;
        if (crashes) say(node, container(service, task, node, tick++, 'dead'));
        told(task, node, crashes ? 'released' : 'running');
        if (crashes) alive.delete(node);
        else alive.set(node, task);
      }
    }
    truth[service] = [...alive.values()].map((task) => `${task} running running`).sort();
  }
  say('m1', { kind: 'service-gone', service: 'old' });
  const listed = Object.values(truth).flatMap((lines) => lines.map((line) => line.split(' ')[0] ?? ''));
  say('n3', { kind: 'node-listing', listing: 'l1', node: 'n3', incarnation: life, tick: tick++, tasks: listed });
  return { says, truth };
}
