export const findingKinds = ['missing', 'stale', 'wrong'] as const;

/** Something on a node that is not as it should be. */
export type Finding = {
  readonly kind: (typeof findingKinds)[number];
  /** `host`, a sandbox as its file in Docker's `netns/` is called, or `overlay NETWORK`. */
  readonly where: string;
  /** What it is, for people. */
  readonly what: string;
  /** What does not work because of it. */
  readonly breaks: string;
  /** What puts it right: a command, as far as there is one. */
  readonly mend: string;
};

/** What a node found as it looked, without changing anything. */
export type Examination = {
  /** What was looked at, for people: `12 published ports`. */
  readonly looked: readonly string[];
  readonly findings: readonly Finding[];
  /** Its clock as it answered, milliseconds since 1970; where that is asked about. */
  readonly clockMs?: number;
  /** What could not be looked at, and why. */
  readonly unable: readonly { readonly where: string; readonly why: string }[];
};

/** One node's, as the console serves it. */
export type NodeExamination = Examination & { readonly node: string };
