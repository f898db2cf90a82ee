/** What whoever watches the bucket tells, whichever way it hears of changes. */
type Hearing = {
  /** An entry, in the order of revisions, none twice. */
  entry(key: string, revision: number): void;
  /** All that there was when it began, or began again after a loss, has been told. */
  caughtUp(): void;
};

/** One node's copy of the mesh bucket, on a connection of its own. */
export type Watcher = { follow(hearing: Hearing): void };

/** How watchers hear of changes. */
export type Way = 'ordered' | 'republished';
