/** Fairway's table in one namespace of a node, as the kernel has it at the moment of asking. */
export type KernelTable = {
  /** `host`, or the sandbox as its file in Docker's `netns/` is called. */
  readonly namespace: string;
  /** What `nft list table inet fairway` prints there; absent where there is no table. */
  readonly text?: string;
  /** Why it could not be read, for people. */
  readonly failure?: string;
};

/** What is in a node's kernel, as the console serves it: each sandbox with the name of its network. */
export type NodeRules = {
  readonly node: string;
  readonly tables: readonly (KernelTable & { readonly network?: string })[];
};
