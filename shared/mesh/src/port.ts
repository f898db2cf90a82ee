/** Transport protocols that Docker can publish (`PortConfig.Protocol` of the Engine API). */
export const protocols = ['tcp', 'udp', 'sctp'] as const;
export type Protocol = (typeof protocols)[number];

/**
 * Published ports and the ports that they lead to. A range is one entry: `first` to `last` are published and lead to
 * `target` to `target + (last - first)`. Docker lists each port by itself; ranges are made by those who plan.
 */
export type PublishedPort = {
  readonly protocol: Protocol;
  readonly first: number;
  readonly last: number;
  readonly target: number;
};

/** `8000/tcp`, or `8000-8009/tcp` for a range: as Docker and its users write it. */
export function showPort(port: Pick<PublishedPort, 'protocol' | 'first' | 'last'>): string {
  return `${port.first === port.last ? port.first : `${port.first}-${port.last}`}/${port.protocol}`;
}
