/** What happened on the way to a cloud: no network, no TLS on one side only, no certificate to trust, no proxy that lets one through. */

import { NOT_TLS, probeTls } from '../temporal/tls-probe';
import { CloudFailure, NO_CLOUD, refusal, unclear } from './failures';
import type { Answer, Service } from './failures';
import { proxyFor, ProxyRefusal } from './proxy';
import type { Proxy } from './proxy';

/** Where a client goes, and how. */
export interface Way {
  readonly endpoint: string;
  readonly service: Service;
  readonly proxy?: Proxy;
}

export function wayTo(endpoint: string, service: Service): Way {
  const proxy = proxyFor(endpoint);
  return { endpoint, service, ...(proxy === undefined ? {} : { proxy }) };
}

/** What an error answer means. */
export async function answered(
  call: string,
  answer: Answer,
  asked: number | undefined,
  way: Way,
): Promise<CloudFailure> {
  if (way.proxy !== undefined && answer.status === 407)
    return refusedByProxy(407, way.proxy, new URL(way.endpoint).host);
  const told = NO_CLOUD.test(answer.code) && answer.status === 400 ? await speaksOnlyTls(way) : undefined;
  return told ?? refusal(call, answer, asked, way.service);
}

/** What it means that there is none, or one that is no XML. The error itself where it is none of these, and so a bug. */
export async function unanswered(call: string, error: Error, way: Way): Promise<Error> {
  const { speaks, at } = way.service;
  if ('$responseBodyText' in error || '$response' in error) {
    const foreign = unclear(
      `What answers at ${at} does not speak ${speaks}: ${call} was answered with something else than XML.`,
      'CLOUD_UNREACHABLE',
    );
    return (await speaksOnlyTls(way)) ?? foreign;
  }
  const trouble = unreachable(call, way, error);
  const hungUp = 'code' in error && typeof error.code === 'string' && /^(ECONNRESET|EPIPE|HPE_\w+)$/.test(error.code);
  return (hungUp ? await speaksOnlyTls(way) : undefined) ?? trouble ?? error;
}

/** Node's and OpenSSL's names for certificates that are not trusted, and for two sides that find no common TLS. */
const TLS = /CERT|ISSUER|SIGNED|EPROTO|^ERR_(TLS|SSL|OSSL)_|UNABLE_TO_/;
const NETWORK = /^(E[A-Z]+|EAI_\w+|HPE_\w+|UND_ERR_\w+)$/;
/** Through a proxy nobody but the proxy is connected to. */
const UNCONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH)$/;
const CUT_BY_PROXY = /^Proxy connection (ended|closed)/i;

/** Undefined where it was something else, and so a bug. */
export function unreachable(call: string, { endpoint, service, proxy }: Way, error: Error): CloudFailure | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const { host, protocol } = new URL(endpoint);
  // Node says nothing where it tried several addresses.
  const why = (error.message || code).trim().replace(/\.$/, '');
  const through = proxy === undefined ? '' : ` (through the proxy ${proxy.name} of ${proxy.variable})`;
  if (error instanceof ProxyRefusal && proxy !== undefined) return refusedByProxy(error.status, proxy, host);
  if (TLS.test(code)) {
    if (protocol === 'https:' && NOT_TLS.test(error.message)) return speaksPlain(host, service);
    return new CloudFailure(
      'CLOUD_UNREACHABLE',
      `TLS with ${host} fails${through}; is cloud.ca the authority of its certificate? ${why} (${code}).`,
    );
  }
  const unconnected =
    UNCONNECTED.test(code) || /did not establish a connection/.test(error.message) || CUT_BY_PROXY.test(error.message);
  if (proxy !== undefined && unconnected)
    return new CloudFailure(
      'CLOUD_UNREACHABLE',
      `The proxy ${proxy.name} of ${proxy.variable} does not answer, on the way to ${host} for ${call}: ${why}.`,
    );
  if (!NETWORK.test(code) && error.name !== 'TimeoutError') return undefined;
  return new CloudFailure(
    'CLOUD_UNREACHABLE',
    `${host} does not answer ${call}${through}: ${why}.`,
    undefined,
    undefined,
    !neverSent(error),
  );
}

/** Before there is a connection nothing was sent: of the system, or the SDK's own. */
function neverSent(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_\w+)$/.test(code) || /did not establish a connection/.test(error.message))
    return true;
  if ('syscall' in error && error.syscall === 'connect') return true;
  return error instanceof AggregateError && error.errors.every((each) => each instanceof Error && neverSent(each));
}

function refusedByProxy(status: number, { name, variable }: Proxy, host: string): CloudFailure {
  const proxy = `The proxy ${name} of ${variable}`;
  if (status === 407)
    return new CloudFailure(
      'CLOUD_PROXY',
      `${proxy} wants a user and a password, or others than it was given (HTTP 407).`,
    );
  if (status >= 500) return new CloudFailure('CLOUD_UNREACHABLE', `${proxy} does not reach ${host} (HTTP ${status}).`);
  return new CloudFailure('CLOUD_PROXY', `${proxy} does not let this machine through to ${host} (HTTP ${status}).`);
}

function speaksPlain(host: string, { at }: Service): CloudFailure {
  return new CloudFailure(
    'CLOUD_UNREACHABLE',
    `The endpoint speaks plain http: ${host} answers without TLS. Write http:// in ${at}, or give the port that speaks https.`,
  );
}

/** A server of TLS hangs up on plain http, or answers in its own words: asked itself, it tells. Not through a proxy, which may hang up as well. */
async function speaksOnlyTls({ endpoint, service, proxy }: Way): Promise<CloudFailure | undefined> {
  const { protocol, hostname, host, port } = new URL(endpoint);
  if (protocol !== 'http:' || proxy !== undefined) return undefined;
  const { speaks } = await probeTls(hostname.replace(/^\[|\]$/g, ''), Number(port) || 80);
  if (speaks !== 'tls') return undefined;
  return new CloudFailure(
    'CLOUD_UNREACHABLE',
    `The endpoint speaks https only: ${host} answers with TLS. Write https:// in ${service.at} (with cloud.ca where its authority is not a public one), or give the port that speaks plain http.`,
  );
}
