/**
 * What `npm run lab` runs without a command, chosen to fit into its limit: what the kernel takes and gives back, and that
 * a published port answers on every node. What counts thousands of connections or transactions is left to the machine
 * outside, which is 25 times faster. A failure of the first does not hide the second.
 */
export const suite = `status=0
vitest run --project kernel linux.kernel.test.ts nft-session.kernel.test.ts || status=1
vitest run --project swarm ingress.swarm.test.ts -t 'answers on every node' || status=1
exit $status`;
