/**
 * An IP address, typed by its family. The family's names are nft's own (`ip`, `ip6`).
 * `text` is canonical, so two addresses are equal exactly when their texts are.
 */
export type Address =
  | { readonly family: 'ip'; readonly text: string }
  | { readonly family: 'ip6'; readonly text: string };

/** An address means something only on its network: two overlay networks may use the same subnet. */
export type NetworkAddress = { readonly network: string; readonly address: Address };

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/**
 * Reads an address, with or without a prefix length (`10.0.0.5`, `10.0.0.5/24`, `fd00::1`), which Docker adds to the
 * addresses of tasks and VIPs. Undefined for anything else; octal and shortened forms of IPv4 are refused.
 * IPv6 is brought to the form of RFC 5952, by the parser for hosts of the WHATWG URL standard.
 */
export function parseAddress(text: string): Address | undefined {
  const bare = text.replace(/\/\d{1,3}$/, '');
  if (ipv4.test(bare)) return { family: 'ip', text: bare };
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(bare) || !bare.includes(':')) return undefined;
  try {
    return { family: 'ip6', text: new URL(`http://[${bare}]`).hostname.slice(1, -1) };
  } catch {
    return undefined;
  }
}
