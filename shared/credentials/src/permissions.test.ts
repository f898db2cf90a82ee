import { type Role, roles } from '@fairway/bus';
import { describe, expect, test } from 'vitest';
import { permissionsOf } from './permissions.ts';

const table = (role: Role) => {
  const { publish, subscribe, answers } = permissionsOf({ name: 'me', role });
  return [...publish.map((one) => `> ${one}`), ...subscribe.map((one) => `< ${one}`), ...(answers ? ['answers'] : [])];
};

/** Whether some subject fits both patterns. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [one.split('.'), other.split('.')];
  for (let at = 0; ; at++) {
    const [x, y] = [a[at], b[at]];
    if (x === '>' || y === '>') return true;
    if (x === undefined || y === undefined) return x === y;
    if (x !== y && x !== '*' && y !== '*') return false;
  }
}

/** Who of all roles may send to something that fits the pattern. */
const senders = (pattern: string) =>
  roles.filter((role) => permissionsOf({ name: 'me', role }).publish.some((allowed) => overlap(allowed, pattern)));

describe('what each role may do', () => {
  test('a node reads the mesh, and tells of itself', () => {
    expect(table('node')).toEqual([
      '> fairway.tell.fact.me.container.*',
      '> fairway.tell.fact.me.node-listing.*',
      '> fairway.tell.outcome.me.*',
      '> fairway.beat.me',
      '> fairway.word.me',
      '> fairway.tell.dead.me',
      '> $JS.fairway.API.STREAM.MSG.GET.KV_fairway-mesh',
      '< _INBOX_me.>',
      '< fairway.mesh.>',
      '< fairway.head.*',
      '< fairway.ask.me.*',
      '< fairway.verdict.*.*',
      '< fairway.word.*',
      'answers',
    ]);
  });

  test('a manager tells of the swarm as well, and hears of all containers', () => {
    const node = table('node');
    expect(table('manager').filter((line) => !node.includes(line))).toEqual([
      '> fairway.tell.fact.me.service.*',
      '> fairway.tell.fact.me.service-gone.*',
      '> fairway.tell.fact.me.node.*',
      '> fairway.tell.fact.me.node-gone.*',
      '> fairway.tell.fact.me.network.*',
      '> fairway.tell.fact.me.network-gone.*',
      '> fairway.tell.fact.me.swarm-listing.*',
      '< fairway.fact.*.container.*',
    ]);
  });

  test('the console asks and hears', () => {
    expect(table('console').filter((line) => !line.includes('$JS'))).toEqual([
      '> fairway.ask.*.rules',
      '> fairway.ask.*.explain',
      '> fairway.ask.*.audit',
      '> fairway.ask.*.doctor',
      '> fairway.ask.*.service',
      '> fairway.ask.*.uninstall',
      '> fairway.ask.*.install',
      '< _INBOX_me.>',
      '< fairway.mesh.>',
      '< fairway.head.*',
      '< fairway.fact.>',
      '< fairway.outcome.>',
      '< fairway.dead.>',
      '< fairway.throttled.*',
      '< fairway.verdict.*.*',
      '< fairway.outlook.*',
    ]);
  });
});

describe('nobody but', () => {
  test.each<[string, string, Role[]]>([
    ['deciders writes the mesh', '$KV.fairway-mesh.service.*', ['decider']],
    ['says an entry of the mesh again', 'fairway.mesh.>', []],
    ['deciders says where the mesh stands', 'fairway.head.*', ['decider']],
    ['the console makes consumers', '$JS.fairway.API.CONSUMER.>', ['console']],
    ['sentinels writes reach', '$JS.fairway.API.$KV.fairway-mesh.reach.*', ['sentinel']],
    ['sentinels writes reach where it is kept', '$KV.fairway-mesh.reach.*', []],
    ['sentinels says how far they see', 'fairway.outlook.*', ['sentinel']],
    ['sentinels has nodes try to reach others', 'fairway.ask.*.probe', ['sentinel']],
    ['sentinels gives verdicts', 'fairway.verdict.>', ['sentinel']],
    ['deciders takes facts', '$JS.API.CONSUMER.MSG.NEXT.FAIRWAY_FACTS.*', ['decider']],
    ['deciders makes streams', '$JS.API.STREAM.CREATE.*', ['decider']],
    ['the console has nodes leave their rules', 'fairway.ask.*.uninstall', ['console']],
    ['managers tells of services', 'fairway.tell.fact.*.service.*', ['manager']],
    ['nodes tells of containers', 'fairway.tell.fact.*.container.*', ['node', 'manager']],
    ['deciders stores facts', 'fairway.fact.>', ['decider']],
    ['deciders stores outcomes', 'fairway.outcome.>', ['decider']],
    ['deciders and sentinels says who is throttled', 'fairway.throttled.*', ['decider', 'sentinel']],
    ['deciders answers other accounts', '_R_.>', ['decider']],
  ])('%s', (_, pattern, who) => {
    expect(senders(pattern)).toEqual(who);
  });

  test('itself: what somebody says carries its own name, and its inbox is its own', () => {
    for (const pattern of [
      'fairway.tell.fact.other.>',
      'fairway.tell.outcome.other.>',
      'fairway.tell.dead.other',
      'fairway.beat.other',
      'fairway.word.other',
      'fairway.head.other',
      'fairway.throttled.other',
      'fairway.outlook.other',
      'fairway.verdict.other.n',
    ]) {
      expect(senders(pattern), pattern).toEqual([]);
    }
    for (const role of roles) {
      const { subscribe } = permissionsOf({ name: 'me', role });
      for (const foreign of ['_INBOX_other.x', '_INBOX.x', 'fairway.ask.other.rules']) {
        expect(
          subscribe.filter((allowed) => overlap(allowed, foreign)),
          `${role}, ${foreign}`,
        ).toEqual([]);
      }
    }
  });

  test('nobody deletes or purges what is stored', () => {
    for (const verb of ['DELETE', 'PURGE', 'MSG.DELETE', 'SNAPSHOT', 'RESTORE']) {
      for (const prefix of ['$JS.API', '$JS.fairway.API']) {
        expect(senders(`${prefix}.STREAM.${verb}.*`), verb).toEqual([]);
      }
    }
  });
});
