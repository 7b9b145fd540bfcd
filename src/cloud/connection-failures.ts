/** Explains why a request to a cloud got no usable answer: no network, TLS on one side only, an untrusted certificate, a proxy. */

import { NOT_TLS, probeTls } from '../net/tls-probe';
import type { Endpoint } from './endpoints';
import { CloudFailure, refusal, unclear, UNRECOGNIZED } from './failures';
import type { ErrorAnswer, Service } from './failures';
import { ProxyRefusal } from './proxy';
import type { Proxy } from './proxy';

/** @param retryAfter milliseconds, as the cloud itself asked for */
export async function explainErrorAnswer(
  call: string,
  answer: ErrorAnswer,
  retryAfter: number | undefined,
  endpoint: Endpoint,
): Promise<CloudFailure> {
  if (endpoint.proxy !== undefined && answer.status === 407)
    return refusedByProxy(407, endpoint.proxy, new URL(endpoint.url).host);
  const needsTls = UNRECOGNIZED.test(answer.code) && answer.status === 400 ? await speaksOnlyTls(endpoint) : undefined;
  return needsTls ?? refusal(call, answer, retryAfter, endpoint.service);
}

/** For no answer at all, or one that is not XML. Returns the error itself where it is neither, and so a bug. */
export async function explainNoAnswer(call: string, error: Error, endpoint: Endpoint): Promise<Error> {
  const { name, specKey } = endpoint.service;
  if ('$responseBodyText' in error || '$response' in error) {
    const notXml = unclear(
      `What answers at ${specKey} does not speak ${name}: its answer to ${call} is not XML.`,
      'CLOUD_UNREACHABLE',
    );
    return (await speaksOnlyTls(endpoint)) ?? notXml;
  }
  const failure = unreachable(call, endpoint, error);
  const hungUp = /^(ECONNRESET|EPIPE|HPE_\w+)$/.test(codeOf(error));
  return (hungUp ? await speaksOnlyTls(endpoint) : undefined) ?? failure ?? error;
}

/** Codes of Node and OpenSSL for certificates that are not trusted, and for two sides without a TLS version in common. */
const TLS = /CERT|ISSUER|SIGNED|EPROTO|^ERR_(TLS|SSL|OSSL)_|UNABLE_TO_/;
const NETWORK = /^(E[A-Z]+|EAI_\w+|HPE_\w+|UND_ERR_\w+)$/;
/** With a proxy, these are about the proxy: nothing else is connected to. */
const NOT_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH)$/;
/** The SDK's own timeout. */
const CONNECT_TIMEOUT = /did not establish a connection/;
const CUT_BY_PROXY = /^Proxy connection (ended|closed)/i;

/** Undefined where the error is none of the network, and so a bug. */
export function unreachable(call: string, { url, service, proxy }: Endpoint, error: Error): CloudFailure | undefined {
  const code = codeOf(error);
  const { host, protocol } = new URL(url);
  // Node gives no message where it tried several addresses.
  const reason = (error.message || code).trim().replace(/\.$/, '');
  const viaProxy = proxy === undefined ? '' : ` (through the proxy ${proxy.name} of ${proxy.variable})`;
  if (error instanceof ProxyRefusal && proxy !== undefined) return refusedByProxy(error.status, proxy, host);
  if (TLS.test(code)) {
    if (protocol === 'https:' && NOT_TLS.test(error.message)) return speaksOnlyPlain(host, service);
    return new CloudFailure(
      'CLOUD_UNREACHABLE',
      `TLS with ${host} fails${viaProxy}; is cloud.ca the authority of its certificate? ${reason} (${code}).`,
    );
  }
  const notConnected =
    NOT_CONNECTED.test(code) || CONNECT_TIMEOUT.test(error.message) || CUT_BY_PROXY.test(error.message);
  if (proxy !== undefined && notConnected)
    return new CloudFailure(
      'CLOUD_UNREACHABLE',
      `The proxy ${proxy.name} of ${proxy.variable} does not answer, on the way to ${host} for ${call}: ${reason}.`,
    );
  if (!NETWORK.test(code) && error.name !== 'TimeoutError') return undefined;
  const message = `${host} does not answer ${call}${viaProxy}: ${reason}.`;
  return neverSent(error) ? new CloudFailure('CLOUD_UNREACHABLE', message) : unclear(message, 'CLOUD_UNREACHABLE');
}

/** Nothing is sent before there is a connection. */
function neverSent(error: Error): boolean {
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_\w+)$/.test(codeOf(error)) || CONNECT_TIMEOUT.test(error.message)) return true;
  if ('syscall' in error && error.syscall === 'connect') return true;
  return error instanceof AggregateError && error.errors.every((each) => each instanceof Error && neverSent(each));
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function refusedByProxy(status: number, { name, variable }: Proxy, host: string): CloudFailure {
  const proxy = `The proxy ${name} of ${variable}`;
  if (status === 407)
    return new CloudFailure(
      'CLOUD_PROXY',
      `${proxy} asks for a user and a password, or does not accept those it was given (HTTP 407).`,
    );
  if (status >= 500) return new CloudFailure('CLOUD_UNREACHABLE', `${proxy} does not reach ${host} (HTTP ${status}).`);
  return new CloudFailure('CLOUD_PROXY', `${proxy} does not let this machine through to ${host} (HTTP ${status}).`);
}

function speaksOnlyPlain(host: string, { specKey }: Service): CloudFailure {
  return new CloudFailure(
    'CLOUD_UNREACHABLE',
    `The endpoint speaks plain http: ${host} answers without TLS. Write http:// in ${specKey}, or give the port that speaks https.`,
  );
}

/** A TLS server closes a plain connection without a reason, so the port is probed. Not with a proxy, which may close connections as well. */
async function speaksOnlyTls({ url, service, proxy }: Endpoint): Promise<CloudFailure | undefined> {
  const { protocol, hostname, host, port } = new URL(url);
  if (protocol !== 'http:' || proxy !== undefined) return undefined;
  const { speaks } = await probeTls(hostname.replace(/^\[|\]$/g, ''), Number(port) || 80);
  if (speaks !== 'tls') return undefined;
  return new CloudFailure(
    'CLOUD_UNREACHABLE',
    `The endpoint speaks https only: ${host} answers with TLS. Write https:// in ${service.specKey} (with cloud.ca where its authority is not a public one), or give the port that speaks plain http.`,
  );
}
