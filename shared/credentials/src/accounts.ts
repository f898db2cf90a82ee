import { apiPrefix, type Role, subjects } from '@fairway/bus';
import {
  meshHearing,
  meshReading,
  nodeAsking,
  outcomeReading,
  permissionsOf,
  reachReading,
  reachWriting,
} from './permissions.ts';
import type { User } from './registry.ts';

/**
 * Everybody but deciders is in an account that has no JetStream, and reaches what its role needs through imports.
 *
 * Permissions alone would not do. JetStream sends its answers wherever the asker says, by its own right: tried with
 * nats-server 2.10.27, a node that may ask for one entry of the mesh had the answer written over another one
 * (`reply` = `$KV.fairway-mesh.service.ID`). An answer that crosses an account's border goes to the asker's account.
 */
const accounts = {
  decider: 'FAIRWAY',
  node: 'NODES',
  manager: 'NODES',
  console: 'CONSOLES',
  sentinel: 'SENTINELS',
} as const;
type Account = (typeof accounts)[Role];

/** A subject that crosses from one account to another: `service` has an answer, `stream` is only heard. */
type Crossing = {
  readonly kind: 'service' | 'stream';
  readonly subject: string;
  readonly from: Account;
  readonly to: Account;
  /** What it is called where it comes from, if not the same. */
  readonly as?: string;
  /** Whether one question has several answers. */
  readonly several?: true;
};

const lent = (from: Account, role: Role, requests: readonly string[]): Crossing[] =>
  requests.map((request) => ({
    ...lentAs(from, role, request, `$JS.API.${request}`),
    ...(request.startsWith('CONSUMER.MSG.NEXT.') ? { several: true } : {}),
  }));

/** A subject of JetStream's account, and under which request it is reached. */
function lentAs(from: Account, role: Role, request: string, subject: string): Crossing {
  return { kind: 'service', subject, as: `${apiPrefix({ role, name: '' })}.${request}`, from, to: 'FAIRWAY' };
}

const told = (from: Account, ...patterns: readonly string[]): Crossing[] =>
  patterns.map((stored) => ({ kind: 'service', subject: subjects.tell(stored), from, to: 'FAIRWAY' }));

const heard = (from: Account, to: Account, ...patterns: readonly string[]): Crossing[] =>
  patterns.map((subject) => ({ kind: 'stream', subject, from, to }));

const crossings: readonly Crossing[] = [
  ...told('NODES', subjects.fact('*', '*', '*'), subjects.outcome('*', '*'), subjects.deadLetter('*')),
  lentAs('SENTINELS', 'sentinel', reachWriting, reachWriting),
  ...lent('NODES', 'node', meshReading),
  ...lent('CONSOLES', 'console', [...meshReading, ...outcomeReading]),
  ...lent('SENTINELS', 'sentinel', [...meshReading, ...reachReading]),
  ...(['NODES', 'CONSOLES', 'SENTINELS'] as const).flatMap((to) => heard('FAIRWAY', to, ...meshHearing)),
  ...nodeAsking.map((subject): Crossing => ({ kind: 'service', subject, from: 'CONSOLES', to: 'NODES' })),
  { kind: 'service', subject: subjects.ask('*', 'probe'), from: 'SENTINELS', to: 'NODES' },
  ...heard('FAIRWAY', 'NODES', subjects.containerFacts),
  ...heard('FAIRWAY', 'CONSOLES', subjects.facts, subjects.outcomes, subjects.deadLetters, subjects.throttled('*')),
  ...heard('NODES', 'SENTINELS', subjects.beat('*')),
  ...heard('SENTINELS', 'NODES', subjects.verdict('*', '*')),
  ...heard('SENTINELS', 'CONSOLES', subjects.verdict('*', '*'), subjects.outlook('*'), subjects.throttled('*')),
];

/** nats-server's `accounts` (docs.nats.io, Multi Tenancy using Accounts), with these users in them. */
export function renderAccounts(users: readonly User[]): Record<string, unknown> {
  return Object.fromEntries(
    [...new Set(Object.values(accounts))].map((account) => [
      account,
      {
        ...(account === 'FAIRWAY' ? { jetstream: 'enabled' } : {}),
        users: users.filter(({ role }) => accounts[role] === account).flatMap(renderUser),
        exports: exportsOf(account),
        imports: importsOf(account),
      },
    ]),
  );
}

/** One entry per key: while a key is rotated, both are good. */
function renderUser(user: User): unknown[] {
  const { publish, subscribe, answers } = permissionsOf(user);
  const permissions = {
    publish: { allow: publish },
    subscribe: { allow: subscribe },
    ...(answers ? { allow_responses: { max: 1, expires: '30s' } } : {}),
  };
  return user.keys.map(({ publicKey }) => ({ nkey: publicKey, permissions }));
}

function exportsOf(account: Account): unknown[] {
  const exported = new Map<string, { readonly crossing: Crossing; readonly to: Set<Account> }>();
  for (const crossing of crossings) {
    const [owner, user] = crossing.kind === 'service' ? [crossing.to, crossing.from] : [crossing.from, crossing.to];
    if (owner !== account) continue;
    const key = `${crossing.kind} ${crossing.subject}`;
    const held = exported.get(key) ?? { crossing, to: new Set<Account>() };
    exported.set(key, { crossing, to: held.to.add(user) });
  }
  return [...exported.values()].map(({ crossing: { kind, subject, several }, to }) => ({
    [kind]: subject,
    ...(several ? { response_type: 'stream' } : {}),
    accounts: [...to],
  }));
}

function importsOf(account: Account): unknown[] {
  return crossings.flatMap(({ kind, subject, from, to, as }) => {
    const [owner, user] = kind === 'service' ? [to, from] : [from, to];
    return user === account ? [{ [kind]: { account: owner, subject }, ...(as === undefined ? {} : { to: as }) }] : [];
  });
}
