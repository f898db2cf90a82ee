/**
 * The first digits of a traceparent's trace id, which tell the traces of a screenful apart; undefined where there is
 * none, or its id is zeros, which means none (https://www.w3.org/TR/trace-context/#trace-id).
 */
export function shortTrace(traceparent: string): string | undefined {
  const id = traceparent.split('-')[1] ?? '';
  return /^0*$/.test(id) ? undefined : id.slice(0, 8);
}
