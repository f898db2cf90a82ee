import { expect, test } from 'vitest';
import { CommandFailed } from './failures.ts';
import { endForwarding, ensureForwarding } from './forwarding.ts';

/** iptables and /proc of a host, as dockerd leaves them unless told otherwise. */
function host({
  user = [],
  forward = ['-j DOCKER-USER'],
  nat = ['DOCKER'],
  localnet = '1\n',
}: {
  /** What DOCKER-USER has. */
  user?: readonly string[] | 'no such chain';
  forward?: readonly string[];
  /** Chains that the table nat has. */
  nat?: readonly string[];
  localnet?: string | 'no such file';
}) {
  const chains = new Map([['FORWARD', [...forward]]]);
  if (user !== 'no such chain') chains.set('DOCKER-USER', [...user]);
  const refuse = (command: string) => Promise.reject(new CommandFailed(command, 1, 'no'));
  const run = async (command: string, args: readonly string[]): Promise<string> => {
    if (command === 'cat') return localnet === 'no such file' ? refuse(command) : localnet;
    if (command === 'sh') return '';
    if (args[2] === '-t') return nat.includes(args[5] ?? '') ? `-N ${args[5]}\n` : refuse(command);
    const [verb, name = '', ...rest] = args.slice(2);
    if (verb === '-N') chains.set(name, []);
    const chain = chains.get(name);
    if (!chain) return refuse(command);
    const at = verb === '-I' ? Number(/^\d+$/.test(rest[0] ?? '') ? rest.shift() : 1) - 1 : chain.length;
    const rule = rest.join(' ');
    if (verb === '-S') return [`-N ${name}`, ...chain.map((each) => `-A ${name} ${each}`), ''].join('\n');
    if (verb === '-C') return chain.includes(rule) ? '' : refuse(command);
    if (verb === '-D') chain.splice(chain.indexOf(rule), 1);
    else if (verb !== '-N') chain.splice(at, 0, rule);
    return '';
  };
  return { run, targets: (name: string) => chains.get(name)?.map((rule) => /-j (\S+)$/.exec(rule)?.[1]) };
}

const drop = '-s 192.0.2.0/24 -j DROP';

test("the operator's rules stay before Fairway's, and Docker's RETURN behind", async () => {
  const { run, targets } = host({ user: [drop, '-j RETURN'] });
  await ensureForwarding(run);
  expect(targets('DOCKER-USER')).toEqual(['DROP', 'ACCEPT', 'ACCEPT', 'RETURN']);
  expect(targets('FORWARD')).toEqual(['DOCKER-USER']);
});

test('a chain without RETURN is added to', async () => {
  const { run, targets } = host({ user: [drop] });
  await ensureForwarding(run);
  expect(targets('DOCKER-USER')).toEqual(['DROP', 'ACCEPT', 'ACCEPT']);
  expect(await ensureForwarding(run)).toEqual({ changed: [], waitingFor: [] });
});

test('a chain that nothing leads to any more is led to, before anything else', async () => {
  const { run, targets } = host({ user: [], forward: ['-j mine'] });
  const { changed } = await ensureForwarding(run);
  expect(changed).toContain('FORWARD leads to DOCKER-USER');
  expect(targets('FORWARD')).toEqual(['DOCKER-USER', 'mine']);
  expect(await ensureForwarding(run)).toEqual({ changed: [], waitingFor: [] });
});

test('a chain that was deleted is made anew where dockerd has been', async () => {
  const { run, targets } = host({ user: 'no such chain', forward: [] });
  const { changed, waitingFor } = await ensureForwarding(run);
  expect(changed[0]).toBe('the chain DOCKER-USER');
  expect(waitingFor).toEqual([]);
  expect(targets('DOCKER-USER')).toEqual(['ACCEPT', 'ACCEPT', 'RETURN']);
  expect(targets('FORWARD')).toEqual(['DOCKER-USER']);
});

test("what is left is the operator's and Docker's own", async () => {
  const { run, targets } = host({ user: [drop, '-j RETURN'] });
  await ensureForwarding(run);
  for (let time = 0; time < 2; time++) {
    await endForwarding(run);
    expect(targets('DOCKER-USER')).toEqual(['DROP', 'RETURN']);
    expect(targets('FORWARD')).toEqual(['DOCKER-USER']);
  }
});

test('before dockerd is there, it says what it waits for', async () => {
  const { run } = host({ user: 'no such chain', forward: [], nat: [], localnet: 'no such file' });
  const { changed, waitingFor } = await ensureForwarding(run);
  expect(changed).toEqual([]);
  expect(waitingFor.join('\n')).toMatch(/DOCKER-USER.*\n.*docker_gwbridge/);
});

test('what iptables cannot tell just now is an error, and no reason to add a rule again', async () => {
  const { run, targets } = host({ user: ['-j RETURN'] });
  await ensureForwarding(run);
  const before = [targets('DOCKER-USER'), targets('FORWARD')];
  // Its own words, and its status, when another program holds its lock (iptables 1.8.9, legacy).
  const locked = new CommandFailed('iptables', 4, 'Another app is currently holding the xtables lock.');
  for (const verb of ['-S', '-C']) {
    const busy = (command: string, args: readonly string[]) =>
      args.includes(verb) ? Promise.reject(locked) : run(command, args);
    await expect(ensureForwarding(busy)).rejects.toThrow(locked);
    expect([targets('DOCKER-USER'), targets('FORWARD')]).toEqual(before);
  }
});
