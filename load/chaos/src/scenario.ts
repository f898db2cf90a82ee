import type { Stage } from './stage.ts';

/** A story of something that goes wrong in a real swarm, under traffic. */
export type Scenario = {
  /** As it is called for. */
  readonly name: string;
  /** In a sentence. */
  readonly says: string;
  /** Lets it happen, and mends what does not mend itself. */
  happen(stage: Stage): Promise<void>;
};
