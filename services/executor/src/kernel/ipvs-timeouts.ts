/** How long IPVS keeps a connection of which no packet comes, in seconds (ipvsadm(8), `--set`). */
export type IpvsTimeouts = {
  /** Of an open TCP connection: one that is silent for longer is reset, unless its ends send keepalives. */
  readonly tcpS: number;
  /** Of a TCP connection after a FIN; so long a draining task is kept for its last ones. */
  readonly tcpFinS: number;
  /** Of a UDP client: one that pauses for longer meets the next task, one that never does keeps the one that it has. */
  readonly udpS: number;
};

/** What a network namespace begins with (Linux, net/netfilter/ipvs/ip_vs_proto_tcp.c and _udp.c; 900 120 300 seen on 6.1). */
export const kernelTimeouts: IpvsTimeouts = { tcpS: 900, tcpFinS: 120, udpS: 300 };

/** A day short of the seconds that the kernel takes, INT_MAX / HZ with HZ 1000 (ip_vs_ctl.c, `ip_vs_set_timeout`). */
const mostS = 2_000_000;

/** Reads `900,120,300`: TCP, TCP after a FIN, UDP. Undefined where it is not three whole numbers of 1 to 2,000,000. */
export function parseIpvsTimeouts(text: string): IpvsTimeouts | undefined {
  const [, ...numbers] = (/^(\d{1,7}),(\d{1,7}),(\d{1,7})$/.exec(text) ?? []).map(Number);
  const [tcpS, tcpFinS, udpS] = numbers;
  if (tcpS === undefined || tcpFinS === undefined || udpS === undefined) return undefined;
  return numbers.every((seconds) => seconds >= 1 && seconds <= mostS) ? { tcpS, tcpFinS, udpS } : undefined;
}

/** As `ipvsadm --set` takes them, and `ipvsadm -L --timeout` lists them. */
export function showTimeouts({ tcpS, tcpFinS, udpS }: IpvsTimeouts): string {
  return `${tcpS} ${tcpFinS} ${udpS}`;
}
