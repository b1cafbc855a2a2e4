import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch, type Response } from 'undici';
import { isPublicAddress } from './public-address.ts';

const MAX_REDIRECTS = 5;
const HEADERS = { accept: 'text/*, application/json;q=0.9, */*;q=0.1', 'user-agent': 'holdfast' };
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface Address {
  address: string;
  family: number;
}

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<Address[]>;

export interface SafeFetchOptions {
  /** Default: the system's resolver. */
  resolve?: Resolve;
  /** Which addresses may be connected to. Default: those of the public Internet. */
  allows?: (address: string) => boolean;
  /** Longest body that is kept, after decompression. Default 1 MiB. */
  maxBytes?: number;
  /** Longest time for all hops together. Default 20,000. */
  timeoutMs?: number;
}

export interface Fetched {
  /** Where the last redirect led. */
  url: string;
  status: number;
  /** As the server sent it, or an empty text. */
  contentType: string;
  body: Uint8Array;
  /** The body is longer than `maxBytes` and was cut there. */
  truncated: boolean;
}

export type SafeFetch = (url: string, signal: AbortSignal) => Promise<Fetched>;

/** The request was not made, because it could reach what is not on the public Internet. */
export class AddressRefused extends Error {
  override name = 'AddressRefused';
}

/**
 * A GET that an untrusted party may aim: http and https only, no credentials, at most five redirects, and only to addresses
 * that `allows` accepts. A host is resolved once per hop and the connection is pinned to the addresses that were checked,
 * so that a name which answers differently the second time (DNS rebinding) gains nothing. Throws `AddressRefused`,
 * or what the connection threw; a `TimeoutError` after `timeoutMs` (default 20,000); the signal's reason on abort.
 */
export function createSafeFetch(options: SafeFetchOptions = {}): SafeFetch {
  const { timeoutMs = 20_000 } = options;
  return async (address, signal) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    let url = parseUrl(address);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
      const answer = await fetchOnce(url, options, deadline);
      if (!(answer instanceof URL)) return answer;
      url = answer;
    }
    throw new Error(`More than ${MAX_REDIRECTS} redirects.`);
  };
}

/** One hop: what the server answered, or where it redirects to. */
async function fetchOnce(url: URL, options: SafeFetchOptions, signal: AbortSignal) {
  const { resolve = systemResolve, allows = isPublicAddress, maxBytes = 1024 * 1024 } = options;
  const addresses = await unlessAborted(() => addressesOf(url, resolve), signal);
  // One bad address is enough: which of several is used would be up to the connection.
  if (!addresses.every(({ address }) => allows(address))) throw refusal(url);
  const agent = new Agent({ connect: { lookup: pinnedLookup(addresses) } });
  try {
    const response = await fetch(url, {
      dispatcher: agent,
      redirect: 'manual',
      signal,
      headers: HEADERS,
    });
    return redirectTarget(response, url) ?? (await readAnswer(response, url, maxBytes));
  } catch (error) {
    signal.throwIfAborted();
    throw connectionError(error, url);
  } finally {
    await agent.destroy();
  }
}

function parseUrl(text: string, base?: string): URL {
  const url = URL.parse(text, base);
  if (!url) throw new AddressRefused('That is not a valid URL.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AddressRefused(`Only http and https are allowed, not ${url.protocol}`);
  }
  if (url.username || url.password) throw new AddressRefused('A URL may not carry credentials.');
  return url;
}

async function addressesOf(url: URL, resolve: Resolve): Promise<Address[]> {
  // The URL parser has already turned every notation of an IPv4 address (octal, hex, short, one number) into the usual one.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) throw refusal(url);
  const family = isIP(host);
  if (family) return [{ address: host, family }];
  const addresses = await resolve(host);
  if (addresses.length === 0) throw new Error(`${host} has no address.`);
  return addresses;
}

const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/** Answers every look-up of a connection with the addresses that were checked. */
function pinnedLookup(addresses: Address[]): LookupFunction {
  return (_hostname, { all }, done) => {
    const [first] = addresses;
    if (all) done(null, addresses);
    else done(null, first?.address ?? '', first?.family);
  };
}

/** A resolver cannot be called off, only left behind. */
async function unlessAborted<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([ask(), aborted]);
}

function redirectTarget(response: Response, from: URL): URL | null {
  const location = response.headers.get('location');
  return location && REDIRECTS.has(response.status) ? parseUrl(location, from.href) : null;
}

async function readAnswer(response: Response, url: URL, maxBytes: number): Promise<Fetched> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    // Decompressed bytes: a small answer cannot unpack into a large one.
    if (size > maxBytes) break;
  }
  return {
    url: url.href,
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    body: Buffer.concat(chunks).subarray(0, maxBytes),
    truncated: size > maxBytes,
  };
}

function refusal(url: URL): AddressRefused {
  return new AddressRefused(`${url.hostname} is not on the public Internet, so it is refused.`);
}

/** `fetch` hides what went wrong in the cause of its "fetch failed". */
function connectionError(error: unknown, url: URL): Error {
  if (error instanceof AddressRefused) return error;
  const { message, cause } = error as Error;
  const reason = cause instanceof Error ? cause.message || cause.name : message;
  return new Error(`${url.host} could not be read: ${reason}`, { cause: error });
}
