import ipaddr from 'ipaddr.js';

/** Global unicast of IPv6, as far as IANA has given it out; what lies outside has a special meaning or none. */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Public by number, yet answered by the machine's own cloud: Azure's metadata and DNS server. */
const CLOUD_INTERNAL = new Set(['168.63.129.16']);

/**
 * Whether an IP address belongs to the public Internet. Loopback, private, link-local (cloud metadata included), shared,
 * multicast and reserved ranges do not, nor do IPv6 addresses that embed an IPv4 one (mapped, compatible, NAT64, 6to4,
 * Teredo): a router may turn those into anything. Text that is no address is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address) || CLOUD_INTERNAL.has(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST_V6);
}
