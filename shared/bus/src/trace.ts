const noTrace = '00-00000000000000000000000000000000-0000000000000000-00';
/** A traceparent of version 00. What is none counts as none, as W3C has it: nothing else comes in by its header. */
const traceparent = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What a message's header says of its trace; one of zeros, which is none, for anything else than a traceparent. */
export function knownTrace(header: string | undefined): string {
  return header && traceparent.test(header) ? header : noTrace;
}
