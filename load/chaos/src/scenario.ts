import type { Stage } from './stage.ts';

/** A story of something that goes wrong in a real swarm, under traffic. */
export type Scenario = {
  /** As it is called for. */
  readonly name: string;
  /** In a sentence. */
  readonly says: string;
  /** Whose misfortune it is: the swarm's, which Docker's own mesh has as well, or that of a part of Fairway. */
  readonly of: 'swarm' | 'fairway';
  /** Lets it happen, and mends what does not mend itself. */
  happen(stage: Stage): Promise<void>;
};
