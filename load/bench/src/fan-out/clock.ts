/** CLOCK_MONOTONIC, milliseconds: the same clock in all processes of one machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
