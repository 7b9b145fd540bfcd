/**
 * The proxy to the cloud: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in the worker's environment, in lower or upper case, read as
 * curl reads them.
 */

import type { ClientRequest, Agent as HttpAgent } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { CloudFailure } from './failures';

export interface Proxy {
  readonly url: string;
  /** For messages: without user and password. */
  readonly name: string;
  /** The environment variable it comes from. */
  readonly variable: string;
}

/** The proxy itself refused to connect to the cloud. */
export class ProxyRefusal extends Error {
  override readonly name = 'ProxyRefusal';
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

export function proxyFor(endpoint: string, env: Environment = process.env): Proxy | undefined {
  const { protocol, hostname, port } = new URL(endpoint);
  const scheme = protocol.replace(':', '');
  const variable = [`${scheme}_proxy`, 'all_proxy']
    .flatMap((name) => [name, name.toUpperCase()])
    .find((name) => isSet(env[name]));
  const value = variable === undefined ? undefined : env[variable];
  if (variable === undefined || value === undefined) return undefined;
  if (isExempt(hostname, Number(port) || (scheme === 'https' ? 443 : 80), env['no_proxy'] ?? env['NO_PROXY'] ?? ''))
    return undefined;
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || !isDecodable(url.username + url.password)) {
    throw new CloudFailure(
      'CLOUD_PROXY',
      `${variable} of the worker is not the address of a proxy. Write it like http://proxy.example.com:3128; other kinds, such as SOCKS, are not supported.`,
    );
  }
  return { url: url.href, name: `${url.protocol}//${url.host}`, variable };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== '';
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Entries of NO_PROXY: `*`, domains with their subdomains, and addresses, with or without a port; networks such as 10.0.0.0/8. */
export function isExempt(hostname: string, port: number, list: string): boolean {
  const host = hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const network = /^\[?([\d.]+|[\da-f:.]*:[\da-f:.]*)\]?\/(\d{1,3})$/.exec(entry);
      if (network !== null) return isInNetwork(host, network[1] ?? '', Number(network[2]));
      const [, bracketed, plain, onlyPort] = /^(?:\[(.*)\]|([^:]*|[^:]*:.*:[^:]*))(?::(\d+))?$/.exec(entry) ?? [];
      if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
      const name = (bracketed ?? plain ?? '').replace(/^\*?\.?/, '').replace(/\.$/, '');
      return name !== '' && (host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)));
    });
}

function isInNetwork(host: string, address: string, prefix: number): boolean {
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || prefix > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** Connects through the proxy by CONNECT, so that the proxy sees nothing of what is sent. */
class Tunnel extends HttpsProxyAgent<string> {
  constructor(
    proxy: Proxy,
    private readonly ca: string | undefined,
  ) {
    super(proxy.url, { keepAlive: false });
    // Otherwise the proxy's own answer would be taken for the cloud's.
    this.on('proxyConnect', ({ statusCode }: { readonly statusCode: number }, request: ClientRequest) => {
      if (statusCode !== 200) request.destroy(new ProxyRefusal(statusCode));
    });
  }

  /** cloud.ca is for the cloud's certificate, not for the proxy's. */
  override connect(
    ...[request, options]: Parameters<HttpsProxyAgent<string>['connect']>
  ): ReturnType<HttpsProxyAgent<string>['connect']> {
    return super.connect(
      request,
      this.ca !== undefined && options.secureEndpoint ? { ...options, ca: this.ca } : options,
    );
  }
}

export function agentsOf(
  proxy: Proxy,
  ca: string | undefined,
): { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpAgent } {
  return { httpAgent: new HttpProxyAgent(proxy.url, { keepAlive: false }), httpsAgent: new Tunnel(proxy, ca) };
}
