import {
  apiPrefix,
  bucketStream,
  bucketSubject,
  deadLetterStream,
  deciderConsumer,
  factStream,
  type Identity,
  inboxPrefix,
  keys,
  meshBucket,
  outcomeStream,
  streams,
  subjects,
} from '@fairway/bus';

/** What a server lets somebody do; whatever is not here is refused. */
export type Permissions = {
  /** Subjects that may be sent to. */
  readonly publish: readonly string[];
  /** Subjects that may be listened to. */
  readonly subscribe: readonly string[];
  /** Whether what is asked may be answered, once, on the subject that the question names. */
  readonly answers: boolean;
};

const meshStream = bucketStream(meshBucket);
const mesh = (pattern: string) => bucketSubject(meshBucket, pattern);

/** All entries of the mesh but those of reach. */
const meshKeys = [keys.epoch, keys.complete, 'service.*', 'shard.>', keys.node('*'), keys.network('*')].map(mesh);
const reachKeys = mesh(keys.reach('*'));

/** Requests of JetStream's API, without its prefix, that reading a stream in order takes. */
function ordered(stream: string, filter: string): readonly string[] {
  return [
    `STREAM.INFO.${stream}`,
    `CONSUMER.CREATE.${stream}.*.${filter}`,
    // The client's, when it has missed its consumer's heartbeats.
    `CONSUMER.INFO.${stream}.*`,
    `CONSUMER.MSG.NEXT.${stream}.*`,
    `CONSUMER.DELETE.${stream}.*`,
  ];
}

/**
 * What reading the mesh takes: asking its leader where it stands, and for what was missed. No consumers: who may make them may take others' too, and have them deliver where it may not send itself (decision 0009).
 */
export const meshReading = [`STREAM.MSG.GET.${meshStream}`] as const;

/** What writing a node's reach takes beside that: whether an entry that may be there was deleted. */
export const reachReading = [`DIRECT.GET.${meshStream}.${reachKeys}`] as const;

/** The client puts the prefix of its requests before what it writes to a bucket, too. */
export const reachWriting = reachKeys;

/** What says each entry of the mesh again, and where it stands. */
export const meshHearing = [subjects.mesh('>'), subjects.head('*')] as const;

/** What the console reads beside the mesh: the outcomes, and how many messages were put aside. */
export const outcomeReading = [
  ...ordered(outcomeStream.name, subjects.outcomes),
  `STREAM.INFO.${deadLetterStream.name}`,
] as const;

/** What makes, looks after and writes everything that is stored. */
const owning = [
  ...[...streams.map(({ name }) => name), meshStream].flatMap((stream) =>
    ['CREATE', 'UPDATE', 'INFO'].map((verb) => `STREAM.${verb}.${stream}`),
  ),
  ...['CREATE', 'INFO', 'MSG.NEXT'].map((verb) => `CONSUMER.${verb}.${factStream.name}.${deciderConsumer}`),
  `DIRECT.GET.${meshStream}.${mesh('>')}`,
] as const;

/**
 * Where a server has answers to what came from another account. Not `allow_responses`, for which it keeps each question
 * until it is answered or 30 s old, and a flood has no answers.
 */
const answersToOtherAccounts = '_R_.>';

/** What the console asks nodes. */
export const nodeAsking = (['rules', 'explain', 'audit', 'doctor', 'service', 'uninstall', 'install'] as const).map(
  (question) => subjects.ask('*', question),
);

/** Kinds of facts that a node tells of itself, and those that a manager tells of the swarm. */
const nodeFacts = ['container', 'node-listing'] as const;
const swarmFacts = [
  'service',
  'service-gone',
  'node',
  'node-gone',
  'network',
  'network-gone',
  'swarm-listing',
] as const;

/** Who may say and hear what. Pure; the account that each is in bounds it once more (`accounts.ts`). */
export function permissionsOf(identity: Identity): Permissions {
  const { name, role } = identity;
  const inbox = `${inboxPrefix(identity)}.>`;
  const api = (requests: readonly string[]) => requests.map((request) => `${apiPrefix(identity)}.${request}`);
  const aside = subjects.deadLetter(name);
  switch (role) {
    case 'node':
    case 'manager': {
      const kinds = role === 'manager' ? [...nodeFacts, ...swarmFacts] : nodeFacts;
      return {
        publish: [
          ...kinds.map((kind) => subjects.tell(subjects.fact(name, kind, '*'))),
          subjects.tell(subjects.outcome(name, '*')),
          subjects.beat(name),
          subjects.word(name),
          subjects.tell(aside),
          ...api(meshReading),
        ],
        subscribe: [
          inbox,
          ...meshHearing,
          subjects.ask(name, '*'),
          subjects.verdict('*', '*'),
          subjects.word('*'),
          ...(role === 'manager' ? [subjects.containerFacts] : []),
        ],
        answers: true,
      };
    }
    case 'decider':
      return {
        publish: [
          ...api([...owning, ...meshReading]),
          `$JS.ACK.${factStream.name}.${deciderConsumer}.>`,
          ...meshKeys,
          subjects.head(name),
          subjects.facts,
          subjects.outcomes,
          subjects.deadLetters,
          subjects.throttled(name),
          answersToOtherAccounts,
        ],
        subscribe: [inbox, ...meshHearing, subjects.told],
        answers: false,
      };
    case 'console':
      return {
        publish: [...nodeAsking, ...api([...meshReading, ...outcomeReading])],
        subscribe: [
          inbox,
          ...meshHearing,
          subjects.facts,
          subjects.outcomes,
          subjects.deadLetters,
          subjects.throttled('*'),
          subjects.verdict('*', '*'),
          subjects.outlook('*'),
        ],
        answers: false,
      };
    case 'sentinel':
      return {
        publish: [
          subjects.verdict(name, '*'),
          subjects.outlook(name),
          subjects.throttled(name),
          subjects.ask('*', 'probe'),
          ...api([...meshReading, ...reachReading, reachWriting]),
        ],
        subscribe: [inbox, ...meshHearing, subjects.beat('*')],
        answers: false,
      };
  }
}
