import {
  isPortKey,
  type Match,
  matchOf,
  readSlotKey,
  readZoneKey,
  type SandboxRules,
  type ServiceKey,
  showTarget,
  type Target,
} from './rules.ts';
import { serviceOf } from './virtual-server.ts';

/** The targets that take new connections of a service, or its datagrams each by itself. */
export function targetsOf(rules: SandboxRules, key: ServiceKey): readonly Target[] {
  if (isPortKey(key) && rules.onePacket?.services.has(key))
    return [...rules.onePacket.zones].filter(([zone]) => readZoneKey(zone).service === key).map(([, target]) => target);
  if ('slots' in rules) {
    return [...rules.slots].filter(([slot]) => readSlotKey(slot).service === key).map(([, target]) => target);
  }
  if (rules.verdicts.get(key) !== 'balance') return [];
  return [...rules.virtual]
    .filter(([virtual]) => serviceOf(virtual) === key)
    .flatMap(([, { destinations }]) => [...destinations.values()])
    .filter(({ weight }) => weight > 0)
    .map(({ target }) => target);
}

/** The services that the rules know, refused or not. */
export function servicesIn(rules: SandboxRules): readonly ServiceKey[] {
  return [...('slots' in rules ? rules.services : rules.verdicts).keys()];
}

/** All targets that connections may be led to, draining or not, each by a name: `tcp 10.0.0.5:80`. */
export function balancedTargets(
  rules: SandboxRules,
): ReadonlyMap<string, { readonly match: Match; readonly target: Target }> {
  const all: [Match, Target][] =
    'slots' in rules
      ? [...rules.slots].map(([key, target]) => [matchOf(key), target])
      : [...rules.virtual].flatMap(([key, { destinations }]) =>
          [...destinations.values()].map(({ target }): [Match, Target] => [matchOf(serviceOf(key)), target]),
        );
  return new Map(all.map(([match, target]) => [`${match} ${showTarget(target)}`, { match, target }]));
}
