import { JetStreamApiCodes, JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { jserrors } from '@nats-io/jetstream/internal';
import { errors } from '@nats-io/nats-core';
import { BusUnavailable, NotPermitted } from '../bus.ts';
import { MessageTooLarge } from '../message-too-large.ts';

/** `stream name already in use with a different configuration`, of nats-server's errors.json. */
export const streamNameInUse = 10058;
/** `no suitable peers for placement`: fewer servers take part in JetStream than there are to be replicas. */
export const noSuitablePeers = 10005;
/** `consumer already exists`: with another configuration, or just made by another decider. */
export const consumerExists = 10148;

/** Whether the server answered with one of these error codes. */
export function hasCode(error: unknown, ...codes: readonly number[]): boolean {
  return error instanceof JetStreamApiError && codes.includes(error.code);
}

export function isConflict(error: unknown): boolean {
  return hasCode(error, JetStreamApiCodes.StreamWrongLastSequence, JetStreamApiCodes.StreamWrongLastSequenceUnknown);
}

export function isStreamMissing(error: unknown): boolean {
  return hasCode(error, JetStreamApiCodes.StreamNotFound);
}

export function isConsumerMissing(error: unknown): boolean {
  return hasCode(error, JetStreamApiCodes.ConsumerNotFound);
}

/**
 * What the bus could not do, as `BusUnavailable` or `NotPermitted` with the server's or the client's word as its cause.
 * Programmer errors (an invalid key or subject) stay what they are.
 */
export function unavailable(operation: string, error: unknown): unknown {
  if (error instanceof BusUnavailable || error instanceof MessageTooLarge) return error;
  if (isRefusal(error)) return new NotPermitted(operation, { cause: error });
  const operating = [
    JetStreamApiError,
    JetStreamError,
    jserrors.JetStreamNotEnabled,
    errors.RequestError,
    errors.TimeoutError,
    errors.NoRespondersError,
    errors.ConnectionError,
    errors.ClosedConnectionError,
    errors.DrainingConnectionError,
    errors.AuthorizationError,
  ];
  return operating.some((kind) => error instanceof kind) ? new BusUnavailable(operation, { cause: error }) : error;
}

/** Whether the server refused it: a request that it did not take has that as its cause. */
function isRefusal(error: unknown): boolean {
  if (error instanceof errors.PermissionViolationError) return true;
  return error instanceof errors.RequestError && error.cause instanceof errors.PermissionViolationError;
}

/** The messages of an error and its causes in one line, each once. */
export function reason(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at !== undefined && at !== null; at = at instanceof Error ? at.cause : undefined) {
    const part = at instanceof Error ? at.message || at.name : String(at);
    if (!parts.some((held) => held.includes(part))) parts.push(part);
  }
  return parts.join(': ');
}
