import { expect, test } from 'vitest';
import { CommandFailed } from './failures.ts';
import { endForwarding, ensureForwarding } from './forwarding.ts';

/** iptables and /proc of a host whose DOCKER-USER has these rules; undefined where there is no such chain. */
function host(chain: string[] | undefined, localnet: string | undefined) {
  const refuse = (command: string) => Promise.reject(new CommandFailed(command, 1, 'no'));
  return async (command: string, args: readonly string[]): Promise<string> => {
    if (command === 'cat') return localnet ?? refuse(command);
    if (command === 'sh') return '';
    const [verb, , ...rest] = args.slice(2);
    if (!chain) return refuse(command);
    const at = verb === '-I' ? Number(rest.shift()) - 1 : chain.length;
    const rule = `-A DOCKER-USER ${rest.join(' ')}`;
    if (verb === '-S') return `-N DOCKER-USER\n${chain.join('\n')}\n`;
    if (verb === '-C') return chain.includes(rule) ? '' : refuse(command);
    if (verb === '-D') chain.splice(chain.indexOf(rule), 1);
    else chain.splice(at, 0, rule);
    return '';
  };
}

test("the operator's rules stay before Fairway's, and Docker's RETURN behind", async () => {
  const chain = ['-A DOCKER-USER -s 192.0.2.0/24 -j DROP', '-A DOCKER-USER -j RETURN'];
  await ensureForwarding(host(chain, '1\n'));
  expect(chain.map((rule) => /-j \w+$/.exec(rule)?.[0])).toEqual(['-j DROP', '-j ACCEPT', '-j ACCEPT', '-j RETURN']);
});

test('a chain without RETURN is added to', async () => {
  const chain = ['-A DOCKER-USER -s 192.0.2.0/24 -j DROP'];
  await ensureForwarding(host(chain, '1\n'));
  expect(chain).toHaveLength(3);
  expect(chain[0]).toContain('DROP');
  expect(await ensureForwarding(host(chain, '1\n'))).toEqual({ changed: [], waitingFor: [] });
});

test("what is left is the operator's and Docker's own", async () => {
  const own = ['-A DOCKER-USER -s 192.0.2.0/24 -j DROP', '-A DOCKER-USER -j RETURN'];
  const chain = [...own];
  await ensureForwarding(host(chain, '1\n'));
  await endForwarding(host(chain, '1\n'));
  expect(chain).toEqual(own);
  await endForwarding(host(chain, '1\n'));
  expect(chain).toEqual(own);
});

test('before dockerd is there, it says what it waits for', async () => {
  const { changed, waitingFor } = await ensureForwarding(host(undefined, undefined));
  expect(changed).toEqual([]);
  expect(waitingFor.join('\n')).toMatch(/DOCKER-USER.*\n.*docker_gwbridge/);
});

test('what iptables cannot tell just now is an error, and no reason to add a rule again', async () => {
  const chain = ['-A DOCKER-USER -j RETURN'];
  await ensureForwarding(host(chain, '1\n'));
  const before = [...chain];
  // Its own words, and its status, when another program holds its lock (iptables 1.8.9, legacy).
  const locked = new CommandFailed('iptables', 4, 'Another app is currently holding the xtables lock.');
  for (const verb of ['-S', '-C']) {
    const busy = (command: string, args: readonly string[]) =>
      args.includes(verb) ? Promise.reject(locked) : host(chain, '1\n')(command, args);
    await expect(ensureForwarding(busy)).rejects.toThrow(locked);
    expect(chain).toEqual(before);
  }
});
