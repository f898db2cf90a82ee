const tellPrefix = 'fairway.tell.';

/**
 * Every subject carries its sender's node id as a token of its own, so that a server can permit a sender its own
 * subjects and no others (`fairway.fact.NODE.>`). Object ids come after it, so that consumers can filter by object.
 */
export const subjects = {
  /**
   * Where somebody says what is to be stored on a subject: `fairway.tell.fact.NODE.KIND.OBJECT`. Deciders take it and
   * store what they admit, on the subject itself; whoever hears facts, outcomes or dead letters hears those.
   */
  tell: (stored: string) => `${tellPrefix}${stored.slice('fairway.'.length)}`,
  told: `${tellPrefix}>`,
  /** All that one sender tells. */
  toldBy: (sender: string) => [`${tellPrefix}*.${sender}.>`, `${tellPrefix}*.${sender}`],
  /** What a node's watcher saw: `fairway.fact.NODE.KIND.OBJECT`. */
  fact: (sender: string, kind: string, object: string) => `fairway.fact.${sender}.${kind}.${object}`,
  facts: 'fairway.fact.>',
  /** Container facts of all nodes: managers list a service's tasks when any node speaks of one of them. */
  containerFacts: 'fairway.fact.*.container.*',
  /** What a node's executor came to: `fairway.outcome.NODE.KIND`. */
  outcome: (sender: string, kind: string) => `fairway.outcome.${sender}.${kind}`,
  outcomes: 'fairway.outcome.>',
  /** What could not be read, with its reason: `fairway.dead.SENDER`, the sender being who put it aside. */
  deadLetter: (sender: string) => `fairway.dead.${sender}`,
  deadLetters: 'fairway.dead.>',
  /** A question or a request to a node, by request and reply on plain NATS: `fairway.ask.NODE.rules`; NODE is who answers. */
  ask: (node: string, question: Question | '*') => `fairway.ask.${node}.${question}`,
  /** An entry of the mesh, said again by the server once it is stored; nobody may send here. */
  mesh: (key: string) => `fairway.mesh.${key}`,
  /** Where the mesh bucket stands, as a decider knows it, on plain NATS. */
  head: (sender: string) => `fairway.head.${sender}`,
  /** Who tells or beats more than is taken, as a decider or sentinel says again and again while it is so, on plain NATS. */
  throttled: (sender: string) => `fairway.throttled.${sender}`,
  /** Heartbeats on plain NATS. */
  beat: (sender: string) => `fairway.beat.${sender}`,
  /** A node's word on a task of its own, or a manager's on any, to the other nodes, on plain NATS ahead of the mesh. */
  word: (sender: string) => `fairway.word.${sender}`,
  /** How far a sentinel sees, as it says again and again, on plain NATS. */
  outlook: (sender: string) => `fairway.outlook.${sender}`,
  /** A sentinel's word that a node is down, on plain NATS ahead of the record. */
  verdict: (sender: string, node: string) => `fairway.verdict.${sender}.${node}`,
} as const;

/** The subject on which what is told there is to be stored. */
export function toldOf(subject: string): string {
  return `fairway.${subject.slice(tellPrefix.length)}`;
}

/**
 * What a node can be asked, or asked to do; `audit`, how Docker's own mesh is there; `doctor`, what keeps the mesh from
 * working there; `service`, what a manager's Docker has of one; `probe`, whether it reaches another node.
 */
export type Question = 'rules' | 'explain' | 'audit' | 'doctor' | 'service' | 'uninstall' | 'install' | 'probe';

/** The node id of whoever sent on this subject; undefined for a subject that is not Fairway's. Not for questions. */
export function senderOf(subject: string): string | undefined {
  const [root, , sender] = subject.split('.');
  return root === 'fairway' ? sender : undefined;
}

/**
 * Whether a token can be the id of an object. Ids become tokens of subjects and parts of keys: no dots, no wildcards, no
 * spaces. Swarm's are 25 letters and digits.
 */
export function isId(token: string): boolean {
  return idPattern.test(token);
}

export const idPattern = /^[A-Za-z0-9_-]{1,64}$/;
