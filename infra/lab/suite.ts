/**
 * What `npm run lab` runs without a command: the rules on this kernel, and the most telling of what holds on a swarm. A
 * failure of the first does not hide the second. Of the file on published ports the tests that count thousands of
 * connections are left to faster machines.
 */
export const suite = `status=0
vitest run --project kernel || status=1
vitest run --project swarm ingress.swarm.test.ts -t 'answers on every node|UDP answers' || status=1
exit $status`;
