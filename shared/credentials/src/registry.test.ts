import { describe, expect, test } from 'vitest';
import { KeyNotRotated, NameInvalid, NameTaken, NameUnknown, NotANode, ServersInvalid } from './failures.ts';
import { newRegistry, type Server, withKey, withNodeRole, withOnlyKey, withoutUser, withUser } from './registry.ts';

const server: Server = {
  name: 's1',
  address: '10.0.0.1',
  clientPort: 4222,
  routePort: 6222,
  monitorPort: 8222,
  dir: '/etc/nats',
  store: '/var/lib/nats',
};
const key = (publicKey: string) => ({ publicKey, madeAt: '2026-11-26T00:00:00.000Z' });
const nobody = newRegistry([server]);
const one = withUser(nobody, { name: 'n1', role: 'node' }, key('UA'));

test('a key is rotated in two steps, and both are good in between', () => {
  const both = withKey(one, 'n1', key('UB'));
  expect(both.users[0]?.keys.map(({ publicKey }) => publicKey)).toEqual(['UA', 'UB']);
  expect(withOnlyKey(both, 'n1', 'UB').users[0]?.keys).toEqual([key('UB')]);
  expect(() => withOnlyKey(one, 'n1', 'UA')).toThrow(KeyNotRotated);
  // The file has a key that no server ever heard of: dropping all others would lock its owner out.
  expect(() => withOnlyKey(both, 'n1', 'UC')).toThrow(KeyNotRotated);
});

test('a node is promoted and demoted; a service is not', () => {
  expect(withNodeRole(one, 'n1', 'manager').users[0]).toMatchObject({ role: 'manager', keys: [key('UA')] });
  const decider = withUser(one, { name: 'decider', role: 'decider' }, key('UD'));
  expect(() => withNodeRole(decider, 'decider', 'manager')).toThrow(NotANode);
});

describe('refused are', () => {
  test.each(['', 'a.b', 'a b', '*', '>', 'a/b', '../a', 'x'.repeat(65)])('the name %j', (name) => {
    expect(() => withUser(nobody, { name, role: 'node' }, key('UA'))).toThrow(NameInvalid);
    expect(() => newRegistry([{ ...server, name }])).toThrow(NameInvalid);
  });

  test('a name that somebody has, and one that nobody has', () => {
    expect(() => withUser(one, { name: 'n1', role: 'console' }, key('UB'))).toThrow(NameTaken);
    expect(() => withoutUser(one, 'n2')).toThrow(NameUnknown);
    expect(() => withKey(withoutUser(one, 'n1'), 'n1', key('UB'))).toThrow('these have: nobody');
  });

  test.each([
    ['no server', []],
    ['two of one name', [server, server]],
    ['an address that is none', [{ ...server, address: '10.0.0.1; x' }]],
  ])('%s', (_, servers) => {
    expect(() => newRegistry(servers)).toThrow(ServersInvalid);
  });
});
