// Root's capabilities, taken away one at a time: what each is for. The rest is taken away in all of these.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { capabilities } from './requirements.ts';

const names = capabilities.map(({ name }) => name.slice('CAP_'.length).toLowerCase());

/** What a command comes to in a namespace of its own, by root with these capabilities. */
function attempt(granted: readonly string[], command: string) {
  const set = ['-all', ...granted.map((name) => `+${name}`)].join(',');
  const limits = [`--bounding-set=${set}`, '--inh-caps=-all', '--no-new-privs'];
  const inside = 'ip link set lo up; exec setpriv "$@"';
  const { status, stderr } = spawnSync(
    'unshare',
    ['--net', 'sh', '-c', inside, 'sh', ...limits, 'sh', '-c', `${command} >/dev/null`],
    { encoding: 'utf8' },
  );
  return { status, stderr };
}

const enterItself = 'nsenter --net=/proc/self/ns/net';

test.each([
  ['net_admin', 'nft add table inet fairway-try', 'Operation not permitted'],
  ['net_admin', 'iptables -w -N FAIRWAY-TRY', 'Permission denied'],
  ['net_admin', 'conntrack -L', 'CAP_NET_ADMIN'],
  ['net_admin', 'ip addr add 192.0.2.1/32 dev lo', 'Operation not permitted'],
  ['sys_admin', `${enterItself} true`, 'Operation not permitted'],
  ['net_raw', 'ping -c 1 -W 1 127.0.0.1', 'Operation not permitted'],
])('without %s this does not work, and with all three it does: %s', (taken, command, why) => {
  const without = attempt(
    names.filter((name) => name !== taken),
    command,
  );
  expect({ worked: without.status === 0, stderr: without.stderr }).toEqual({
    worked: false,
    stderr: expect.stringContaining(why),
  });
  expect(attempt(names, command)).toMatchObject({ status: 0 });
});

test('each is for something', () => {
  expect([...names].sort()).toEqual(['net_admin', 'net_raw', 'sys_admin']);
});
