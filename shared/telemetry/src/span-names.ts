/**
 * Names of spans, events and attributes: what somebody searches for. Those of messages follow the semantic conventions
 * (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/): the operation, then the destination.
 */
export const spanNames = {
  send: 'send fairway.fact',
  process: 'process fairway.fact',
  apply: 'apply',
  /** A sentinel's, from the doubt in a node to its verdict. */
  judge: 'judge',
  /** The kernel's time in one namespace: `nft host`, `nft ingress`, `nft lb_…`. */
  nft: (namespace: string) => `nft ${namespace}`,
} as const;

export const spanEvents = {
  /** The plan and its difference to what the kernel holds are made; from here on it is the kernel's time. */
  planned: 'planned',
  /** A node's peers have said what they found; from here on it is told. */
  judged: 'judged',
  /** The bus did not acknowledge; it is asked again. */
  unacknowledged: 'unacknowledged',
} as const;

export const spanAttributes = {
  event: 'fairway.event',
  factKind: 'fairway.fact.kind',
  node: 'fairway.node',
  object: 'fairway.object',
  /** What a node's peers found. */
  found: 'fairway.found',
  key: 'fairway.key',
  revision: 'fairway.revision',
  added: 'fairway.added',
  removed: 'fairway.removed',
  messagingSystem: 'messaging.system',
} as const;
