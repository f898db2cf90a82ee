/**
 * What `npm run lab` runs without a command, chosen to fit into its limit: that this kernel takes and gives back what
 * either driver writes, that connections come to where IPVS is told to lead them, and that a published port answers on
 * every node of a swarm. What counts thousands of connections or transactions is left to the machine outside, which is
 * 25 times faster. A failure of one does not hide the next.
 */
export const suite = `status=0
kernel() { vitest run --reporter=verbose --project kernel "$@" || status=1; }
kernel linux.kernel.test.ts nft-session.kernel.test.ts
export FAIRWAY_BALANCER=ipvs
kernel traffic.kernel.test.ts -t 'published port answers|refused at once|UDP client that always|TCP client|virtual IP'
vitest run --reporter=verbose --project swarm ingress.swarm.test.ts -t 'answers on every node' || status=1
exit $status`;
