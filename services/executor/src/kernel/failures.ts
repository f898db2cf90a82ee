import type { Namespace } from './kernel.ts';

/** The kernel, or nft before it, refused a transaction: nothing of it took effect. */
export class RuleRejected extends Error {
  readonly namespace: Namespace;
  /** nft's first error, without the place in the text: `Could not process rule: File exists`. */
  readonly reason: string;
  /** The whole transaction. */
  readonly text: string;

  constructor(namespace: Namespace, reason: string, text: string, cause?: unknown) {
    super(`${namespace}: ${reason}`, { cause });
    this.name = 'RuleRejected';
    this.namespace = namespace;
    this.reason = reason;
    this.text = text;
  }
}

/** The kernel refused a route, after the rules had taken effect. */
export class RouteRejected extends RuleRejected {}

/**
 * The kernel refused some services of a transaction; all else of it took effect. They are as they were, or where the table was built
 * anew not in it.
 */
export class ServicesRefused extends Error {
  /** Each with nft's first error. */
  readonly refused: readonly string[];

  constructor(namespace: Namespace, refused: readonly string[], cause: RuleRejected) {
    super(`${namespace}: the kernel refused ${refused.join(', ')}; all else was applied`, { cause });
    this.name = 'ServicesRefused';
    this.refused = refused;
  }
}

/** IPVS refused some of a transaction; all else of it took effect. */
export class RefusedByIpvs extends Error {
  /** Each with the kernel's reason. */
  readonly refused: readonly string[];

  constructor(namespace: Namespace, refused: readonly string[]) {
    super(`${namespace}: IPVS refused ${refused.join(', ')}`);
    this.name = 'RefusedByIpvs';
    this.refused = refused;
  }
}

/** The namespace is not there (any more): no ingress sandbox before the node joins, or while Docker replaces it. */
export class NamespaceMissing extends Error {
  readonly namespace: Namespace;
  readonly path: string;

  constructor(namespace: Namespace, path: string, cause?: unknown) {
    super(`${namespace}: no network namespace at ${path}`, { cause });
    this.name = 'NamespaceMissing';
    this.namespace = namespace;
    this.path = path;
  }
}

/** A command ended with a status other than 0. */
export class CommandFailed extends Error {
  readonly command: string;
  readonly status: number | undefined;
  readonly stderr: string;

  constructor(command: string, status: number | undefined, stderr: string) {
    super(`${command}: ${stderr.trim().split('\n')[0] || `status ${status}`}`);
    this.name = 'CommandFailed';
    this.command = command;
    this.status = status;
    this.stderr = stderr;
  }
}

/** A command did not end in time and was killed. Whether it took effect is unknown: read before trying again. */
export class CommandHung extends Error {
  readonly command: string;
  readonly limitMs: number;

  constructor(command: string, limitMs: number) {
    super(`${command}: killed after ${limitMs} ms`);
    this.name = 'CommandHung';
    this.command = command;
    this.limitMs = limitMs;
  }
}

/** A command is not installed, or cannot be started. `requirements()` tells how to get it. */
export class CommandMissing extends Error {
  readonly command: string;

  constructor(command: string, cause: unknown) {
    super(`${command}: cannot be started`, { cause });
    this.name = 'CommandMissing';
    this.command = command;
  }
}
