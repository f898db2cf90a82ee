/**
 * What may be in the input that Fairway gives to nft, ip, ipvsadm and conntrack, written apart from what makes it: each
 * line is of one of a few forms, in whose places stand addresses, ports, slots, weights, marks and schedulers alone. The
 * lines of the table itself are literals of the source, so that it is enough here that they are of harmless words.
 */

const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const address = `${octet}(?:\\.${octet}){3}`;
const number = '(?:0|[1-9][0-9]{0,4})';
const mark = '(?:0|[1-9][0-9]{0,9})';
const spread = `spread-(?:tcp|udp|ip|zone)-${number}`;
const table = 'inet fairway(?:-standby)?';
const verdict = `(?:goto refuse|goto balance|jump ${spread}|goto ${spread}|0x[0-9a-f]{8})`;
const key = `(?:(?:tcp|udp) \\. ${number}|${address}(?: \\. ${number})?|${number}(?: \\. ${number})?)`;
const element = `${key}(?: : (?:${address}(?: \\. ${number})?|${verdict}))?`;
const map = '(?:ports|refused|services|verdicts|one-packet|zones|tcp-slots|udp-slots|ip-slots)';

const ofNft = [
  `(?:add|delete) element ${table} ${map} \\{ ${element} \\}`,
  `(?:add|delete) element ${table} ${map} \\{`,
  `\\t${element},?`,
  '\\t*\\}',
  `(?:delete table|delete chain|add chain) ${table}(?: ${spread})?`,
  `add rule ${table} ${spread} dnat ip to (?:tcp dport|udp dport|ip daddr) \\. numgen random mod ${number} map @(?:tcp|udp|ip)-slots`,
  `add rule ${table} ${spread} ct original zone set numgen random mod ${number} offset 1`,
  `table ${table} \\{`,
  '\\tcomment "layout [0-9]+(?: for IPVS)?"',
  `\\tmap ${map} \\{`,
  '\\tchain (?:refuse|raw|prerouting|output|input|balance|postrouting) \\{',
  // A rule or type of the table itself.
  '\\t\\t[a-z0-9 .:@!="{},;_+-]+',
].map((form) => new RegExp(`^${form}$`));

const ofIp = [new RegExp(`^route (?:append|del) local ${address}/32 dev eth0 table local proto 77$`)];

const virtual = `(?:-[tu] ${address}:${number}|-f ${mark})`;
const ofIpvsadm = [
  `-[AE] ${virtual} -s (?:rr|wrr|lc|wlc|sh|mh|sed|nq)(?: -b sh-fallback)?`,
  `-D ${virtual}`,
  `-[ae] ${virtual} -r ${address}:${number} -m -w [01]`,
  `-d ${virtual} -r ${address}:${number}`,
].map((form) => new RegExp(`^${form}$`));

const ofConntrack = [
  `-p (?:tcp|udp) --reply-src ${address}(?: --reply-port-src ${number})?`,
  `-p udp (?:--orig-dst ${address}|--orig-port-dst ${number})(?: --orig-zone ${number})?`,
].map((form) => new RegExp(`^${form}$`));

const forms = { nft: ofNft, ip: ofIp, ipvsadm: ofIpvsadm, conntrack: ofConntrack } as const;
export type Program = keyof typeof forms;

/** The lines that are of no form that the program may be given. */
export function strayLines(program: Program, text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .filter((line) => !forms[program].some((form) => form.test(line)));
}
