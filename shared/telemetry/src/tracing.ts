import { describe, type Log } from './log.ts';
import { type Tracer, untraced } from './span.ts';

/** A process's traces. */
export type Tracing = {
  readonly tracer: Tracer;
  /** Spans that nobody will see, since the receiver was gone, slow or refused them. */
  readonly lost: () => number;
  /** Sends what is recorded, within about a second, and ends. */
  readonly stop: () => Promise<void>;
};

/** Lost spans are told at most this often, so that a receiver that is gone does not fill a log. */
const lostSaidMs = 60_000;

const none: Tracing = { tracer: untraced, lost: () => 0, stop: async () => {} };

/**
 * Traces for this process. Where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, spans are sent there, to `/v1/traces`
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/); without it nothing is recorded, and OpenTelemetry not
 * even loaded: it takes 50 ms and 24 MB. Settings that cannot be meant are said in the log, and nothing is recorded: a
 * mesh does not stand still for its traces.
 */
export async function startTracing(
  service: string,
  log: Log,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Tracing> {
  const endpoint = environment.OTEL_EXPORTER_OTLP_ENDPOINT?.trim();
  if (!endpoint) return none;
  const { record } = await import('./recording.ts');
  let lost = 0;
  let saidMs = Number.NEGATIVE_INFINITY;
  const onLost = (more: number, why: unknown) => {
    lost += more;
    if (performance.now() - saidMs < lostSaidMs) return;
    saidMs = performance.now();
    log.warn('spans are lost: the receiver does not take them', { endpoint, lost, reason: describe(why) });
  };
  try {
    // `collector:4318` is a URL too, with a scheme that nothing here speaks.
    if (!/^https?:$/.test(new URL(endpoint).protocol)) throw new Error('it has to begin with http:// or https://');
    const { tracer, stop } = record(service, endpoint, onLost);
    return { tracer, lost: () => lost, stop };
  } catch (error) {
    // The exporter reads further OTEL_* variables itself, and throws on some of what they may hold.
    log.error('no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is not usable', { endpoint, reason: describe(error) });
    return none;
  }
}
