import { beatMsMax, beatMsMin } from '@fairway/bus';
import type { Requirement } from '@fairway/executor';

/** The machine lacks something that no rule can be set without. */
export class RequirementsMissing extends Error {
  readonly missing: readonly Requirement[];
  constructor(missing: readonly Requirement[]) {
    const lines = missing.map(({ missing: what, neededFor, get }) => `${what} is missing (for ${neededFor}): ${get}`);
    super(`RequirementsMissing: ${lines.join('; ')}`);
    this.missing = missing;
  }
}

/** FAIRWAY_BALANCER says nothing known. */
export class UnknownBalancer extends Error {
  readonly asked: string;
  constructor(asked: string, known: readonly string[]) {
    super(`UnknownBalancer: FAIRWAY_BALANCER is ${asked}; it has to be one of ${known.join(', ')}`);
    this.asked = asked;
  }
}

/** FAIRWAY_IPVS_TIMEOUTS is not what it has to be. */
export class TimeoutsInvalid extends Error {
  readonly given: string;
  constructor(given: string) {
    super(
      `TimeoutsInvalid: FAIRWAY_IPVS_TIMEOUTS is ${given}; it has to be seconds for TCP, TCP after a FIN, and UDP, as 900,120,300, or kernel`,
    );
    this.given = given;
  }
}

/** FAIRWAY_BEAT_MS is not what it has to be. */
export class BeatInvalid extends Error {
  readonly given: string;
  constructor(given: string) {
    super(`BeatInvalid: FAIRWAY_BEAT_MS is ${given}; it has to be milliseconds, from ${beatMsMin} to ${beatMsMax}`);
    this.given = given;
  }
}

/** Fairway is on the node that it serves, so it speaks to Docker over its socket only. */
export class UnknownDockerHost extends Error {
  readonly dockerHost: string;
  constructor(dockerHost: string) {
    super(
      `UnknownDockerHost: DOCKER_HOST is ${dockerHost}; it has to be unix:///PATH, the socket of this node's dockerd`,
    );
    this.dockerHost = dockerHost;
  }
}
