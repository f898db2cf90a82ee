import { carriers, type Match, type Rules, type Spread } from './rules.ts';
import { assertMatch, assertNumber, assertSpread, showMark, type Words, words } from './words.ts';

/**
 * The number of the layout below, kept in the table's comment. A program that finds another number knows that it reads
 * a table of an older or newer Fairway, and replaces it as a whole. Raise it with every change to `layouts`.
 */
export const layoutVersion = 2;

/** The table that Fairway writes, one in each namespace. `inet`, so that IPv6 can join without a second table. */
export const tableName = words`fairway`;

/** A second one with the same rules, there only while the first is built anew. */
export const standbyName = words`fairway-standby`;

type Chain = { readonly name: Words; readonly lines: readonly Words[] };
type DataMap = { readonly name: Words; readonly type: Words };
export type Layout = { readonly maps: readonly DataMap[]; readonly chains: readonly Chain[] };

/**
 * Each UDP datagram of a service that asks for it goes to a task by itself. Translation is decided once for a connection,
 * so each of these datagrams is of one of several connections: it draws a connection tracking zone, and all that a socket
 * sends in one zone is one connection. Answers are found without a zone, by the task that they come from, and carry the
 * service's own address. IPVS's own way (`--ops`) keeps no connection, so that nothing puts that address back.
 *
 * Raw comes before connection tracking, and so before any other rule sees the datagram. What comes without a zone, as
 * those that were on their way when the service got it, is balanced as a connection.
 */
const zonesDrawnBy = (rule: Words): Chain => ({
  name: words`raw`,
  lines: [words`type filter hook prerouting priority raw; policy accept;`, words`${rule} vmap @one-packet`],
});

/**
 * The interface of the ingress network is eth0 in its sandbox. Tasks answer there, to whatever port the client has, which
 * may be the published one's own number. Such an answer draws no zone either: Linux 6.18 would find its connection with
 * one too, but nothing promises that.
 */
const ofPorts = {
  maps: [
    { name: words`one-packet`, type: words`typeof udp dport : verdict` },
    { name: words`zones`, type: words`typeof udp dport . ct original zone : ip daddr . udp dport` },
  ],
  draw: zonesDrawnBy(words`iifname != "eth0" meta nfproto ipv4 fib daddr type local udp dport`),
  translate: words`meta nfproto ipv4 fib daddr type local dnat ip to udp dport . ct original zone map @zones`,
} as const;

/** Tasks answer the sandbox's own address, which is no virtual IP. */
const ofVips = {
  maps: [
    { name: words`one-packet`, type: words`typeof ip daddr : verdict` },
    { name: words`zones`, type: words`typeof ip daddr . ct original zone : ip daddr` },
  ],
  draw: zonesDrawnBy(words`meta l4proto udp ip daddr`),
  translate: words`meta l4proto udp dnat ip to ip daddr . ct original zone map @zones`,
} as const;

/** Where translation by nftables comes before all else. */
const atPrerouting = words`type nat hook prerouting priority dstnat - 1; policy accept;`;

/**
 * Answers at once for what nobody serves. A socket that is not there would answer too, but leaves a UDP client's
 * connection tracked as untranslated, and the client then never meets the endpoint that comes a second later; a
 * rejected packet is never tracked. Rejecting at prerouting needs Linux 5.9.
 */
const refuse: Chain = {
  name: words`refuse`,
  lines: [words`meta l4proto tcp reject with tcp reset`, words`reject`],
};

/** The verdict that leads there, in a map. */
export const refusal = words`goto ${refuse.name}`;

/** A task answers the sandbox that it was reached from, which alone knows whom it answers. */
const postrouting: Chain = {
  name: words`postrouting`,
  lines: [words`type nat hook postrouting priority srcnat - 1; policy accept;`, words`ct status dnat masquerade`],
};

/** The connection mark of what Fairway leads to IPVS: "FAIR". nft cannot see which packets IPVS has translated. */
const ledToIpvs = words`0x46414952`;

/** The mark that stands for refusal where a virtual IP's mark is looked up; no virtual IP is 255.255.255.255. */
export const refusalMark = 0xffffffff;

/**
 * IPVS sends what it has translated through LOCAL_OUT, as if the sandbox had sent it; with `net.ipv4.vs.conntrack` it
 * keeps the connection's entry in step, so that masquerading works. Datagrams that go each by itself never come to it.
 */
const postroutingIpvs: Chain = {
  name: words`postrouting`,
  lines: [
    words`type nat hook postrouting priority srcnat - 1; policy accept;`,
    words`ct mark ${ledToIpvs} masquerade`,
    words`ct status dnat masquerade`,
  ],
};

/**
 * IPVS looks at LOCAL_IN, priority 98. Docker's iptables set the marks of its own services before, in the ingress sandbox
 * at prerouting and in the others at input (mangle): the last word is here.
 */
const beforeIpvs = words`type filter hook input priority mangle + 1; policy accept;`;

/**
 * The rules of each kind of namespace, written exactly as nft 1.0.6 lists them: reading a table compares these lines.
 *
 * The hooks lie one before Docker's (dstnat, srcnat), so that Fairway's answer is the first; `-101` is dstnat - 1,
 * which nft 1.0.6 accepts by name only at prerouting.
 */
const layouts: Readonly<Record<Rules['kind'], Layout>> = {
  host: {
    maps: [
      { name: words`ports`, type: words`typeof meta l4proto . th dport : ip daddr` },
      // The same keys once more: Linux 6.1 does not let a rule ask a map of addresses whether it has a key (EINVAL).
      { name: words`refused`, type: words`typeof meta l4proto . th dport : verdict` },
    ],
    chains: [
      refuse,
      {
        name: words`prerouting`,
        lines: [
          atPrerouting,
          words`fib daddr type local dnat ip to meta l4proto . th dport map @ports`,
          // The ingress network has no IPv6. Refused, a client of `localhost` goes on to 127.0.0.1; else dockerd's
          // placeholder socket on [::] completes the handshake and never answers.
          words`meta nfproto ipv6 fib daddr type local meta l4proto . th dport vmap @refused`,
        ],
      },
      {
        name: words`output`,
        lines: [
          words`type nat hook output priority -101; policy accept;`,
          words`fib daddr type local dnat ip to meta l4proto . th dport map @ports`,
          words`meta nfproto ipv6 fib daddr type local meta l4proto . th dport vmap @refused`,
        ],
      },
      {
        name: words`postrouting`,
        lines: [
          words`type nat hook postrouting priority srcnat - 1; policy accept;`,
          words`oifname "docker_gwbridge" ct status dnat fib saddr type local masquerade`,
          // A container on docker_gwbridge that calls the node: the sandbox would answer it directly, past the NAT.
          words`iifname "docker_gwbridge" oifname "docker_gwbridge" ct status dnat masquerade`,
        ],
      },
    ],
  },
  network: {
    maps: [
      { name: words`services`, type: words`typeof ip daddr : verdict` },
      { name: words`ip-slots`, type: words`typeof ip daddr . numgen random mod 65536 : ip daddr` },
      ...ofVips.maps,
    ],
    chains: [
      refuse,
      ofVips.draw,
      {
        name: words`prerouting`,
        lines: [
          atPrerouting,
          ofVips.translate,
          // Other protocols, ICMP echo above all, are for the sandbox itself, which has the address.
          words`meta l4proto { tcp, udp } ip daddr vmap @services`,
          // As in the ingress sandbox: for packets on their way while a transaction commits.
          words`meta l4proto { tcp, udp } dnat ip to ip daddr . numgen random mod 1 map @ip-slots`,
        ],
      },
      postrouting,
    ],
  },
  // Connections alone are led: IPVS knows the packets of those that it has by their addresses.
  'ipvs-ingress': {
    maps: [{ name: words`verdicts`, type: words`typeof meta l4proto . th dport : verdict` }, ...ofPorts.maps],
    chains: [
      refuse,
      ofPorts.draw,
      { name: words`prerouting`, lines: [atPrerouting, ofPorts.translate] },
      // Docker's mark, by which its own services are told apart, goes.
      { name: words`balance`, lines: [words`meta mark set 0x00000000`, words`ct mark set ${ledToIpvs}`] },
      {
        name: words`input`,
        lines: [beforeIpvs, words`ct state new meta nfproto ipv4 meta l4proto . th dport vmap @verdicts`],
      },
      postroutingIpvs,
    ],
  },
  'ipvs-network': {
    maps: [{ name: words`verdicts`, type: words`typeof ip daddr : meta mark` }, ...ofVips.maps],
    chains: [
      refuse,
      ofVips.draw,
      { name: words`prerouting`, lines: [atPrerouting, ofVips.translate] },
      {
        name: words`input`,
        lines: [
          beforeIpvs,
          words`ct state new meta l4proto { tcp, udp } meta mark set ip daddr map @verdicts ct mark set ${ledToIpvs}`,
          words`ct state new meta mark ${showMark(refusalMark)} ${refusal}`,
        ],
      },
      postroutingIpvs,
    ],
  },
  ingress: {
    maps: [
      { name: words`services`, type: words`typeof meta l4proto . th dport : verdict` },
      // One map per carrier: with `th dport` in both, nft 1.0.6 cannot add a rule to a table that is already there
      // ("conflicting protocols specified: inet-service vs. th").
      { name: words`tcp-slots`, type: words`typeof tcp dport . numgen random mod 65536 : ip daddr . tcp dport` },
      { name: words`udp-slots`, type: words`typeof udp dport . numgen random mod 65536 : ip daddr . udp dport` },
      ...ofPorts.maps,
    ],
    chains: [
      refuse,
      ofPorts.draw,
      {
        name: words`prerouting`,
        lines: [
          atPrerouting,
          ofPorts.translate,
          words`meta nfproto ipv4 fib daddr type local meta l4proto . th dport vmap @services`,
          // For packets on their way while a transaction commits: rules are of the generation in which a packet began,
          // maps of the one at the time of each look. So a packet may be sent to a chain that is still empty for it,
          // or draw the number of a slot that is gone. Such a one comes back here, and slot 0 is always there.
          words`meta nfproto ipv4 fib daddr type local dnat ip to tcp dport . numgen random mod 1 map @tcp-slots`,
          words`meta nfproto ipv4 fib daddr type local dnat ip to udp dport . numgen random mod 1 map @udp-slots`,
        ],
      },
      postrouting,
    ],
  },
};

/** What the table says of itself: its layout, and that it leads to IPVS. */
export function layoutComment(kind: Rules['kind']): Words {
  const layout = words`layout ${assertNumber('a layout', String(layoutVersion), 1)}`;
  return kind.startsWith('ipvs-') ? words`${layout} for IPVS` : layout;
}

export function layoutOf(kind: Rules['kind']): Layout {
  return layouts[kind];
}

/**
 * The chain for services of so many endpoints. `random`: `inc` has one counter for all services of that size, and two
 * services called in turn would each always meet the same endpoint; so would the first of each two datagrams of a client
 * that sends two at a time, as resolvers do.
 */
export function spreadChain(spread: Spread): Chain {
  const name = words`spread-${assertSpread(spread)}`;
  const read = readSpread(spread);
  const endpoints = assertNumber('a number of endpoints', String(read.endpoints), 1);
  if (read.match === 'zone')
    return { name, lines: [words`ct original zone set numgen random mod ${endpoints} offset 1`] };
  const match = assertMatch(read.match);
  const key = match === 'ip' ? words`ip daddr` : words`${match} dport`;
  return { name, lines: [words`dnat ip to ${key} . numgen random mod ${endpoints} map @${match}-slots`] };
}

export function readSpread(spread: Spread): { readonly match: Match | 'zone'; readonly endpoints: number } {
  const [match, endpoints] = spread.split('-');
  return { match: match as Match | 'zone', endpoints: Number(endpoints) };
}

/** By what the services of a kind of namespace are told apart. */
export function matchesOf(kind: Rules['kind']): readonly Match[] {
  return kind === 'ingress' ? carriers : kind === 'network' ? ['ip'] : [];
}
