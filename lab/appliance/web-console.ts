/**
 * The web console: nginx, router and cloud controller in one. Port forwarding over ssh reaches it even while its ports
 * are closed.
 */

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { certificateOf } from './identity';
import { FACTORY_PASSWORD } from './state';
import type { Family } from './kato/releases';
import type { State } from './state';

const PAGE =
  '<!DOCTYPE html>\n<html><head><title>Stackato Management Console</title></head><body><h1>Stackato Management Console</h1></body></html>\n';
const FORM_LIMIT = 64 * 1024;

interface Answer {
  readonly status: number;
  readonly text?: string;
  readonly json?: object;
  readonly location?: string;
}

type Handler = (state: State, body: string) => Answer;

const PAGES: Readonly<Record<string, Handler>> = { 'GET /': () => ({ status: 200, text: PAGE }) };

const INFO = (state: State): Answer => ({ status: 200, json: infoOf(state) });

/** The API, by the way in which the release creates its first administrator. */
const API: Readonly<Record<Family['firstAdmin'], Readonly<Record<string, Handler>>>> = {
  licence: {
    'GET /info': INFO,
    'GET /stackato/info': nodeInfo,
    'GET /stackato/license': licence,
    'POST /stackato/license': firstAdmin,
  },
  firstuser: {
    'GET /info': INFO,
    'GET /v2/info': INFO,
    'GET /v2/stackato/info': nodeInfo,
    'POST /v2/stackato/firstuser': firstUser,
  },
};

export class WebConsole {
  private readonly plain: Server;
  private readonly secure: TlsServer;
  private currentCertificate = '';

  constructor(private readonly state: State) {
    this.plain = createServer((request, response) => this.serve(request, response, false));
    this.secure = createTlsServer((request, response) => this.serve(request, response, true));
    this.secure.on('tlsClientError', () => undefined);
  }

  http(stream: Duplex): void {
    this.plain.emit('connection', stream);
  }

  https(stream: Duplex): void {
    const certificate = certificateOf(this.state.files);
    if (certificate.cert !== this.currentCertificate) this.secure.setSecureContext(certificate);
    this.currentCertificate = certificate.cert;
    this.secure.emit('connection', stream);
  }

  close(): void {
    this.plain.close();
    this.secure.close();
  }

  private serve(request: IncomingMessage, response: ServerResponse, secure: boolean): void {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= FORM_LIMIT) chunks.push(chunk);
    });
    request.on('end', () => send(response, this.answerTo(request, Buffer.concat(chunks).toString('utf8'), secure)));
  }

  private answerTo({ method = '', url = '', headers }: IncomingMessage, body: string, secure: boolean): Answer {
    const { state } = this;
    const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    const isConsole =
      [state.hostname, state.endpoint, `api.${state.hostname}`].includes(host) || /^[\d.]+$|^localhost$/.test(host);
    if (!state.up) return { status: 502, text: '<h1>502 Bad Gateway</h1>\n' };
    if (!isConsole) return { status: 404, text: '404 Not Found: no such app\n' };
    // Without a port: the machine does not know how its ports are mapped.
    if (!secure && state.knobs.httpRedirect) return { status: 302, text: '', location: `https://${host}${url}` };
    if (!state.consoleUp) return { status: 503, text: '<h1>503 Service Unavailable</h1>\n' };
    const [path = ''] = url.split('?');
    const api = state.knobs.consoleApi === 'there' ? API[state.family.firstAdmin] : {};
    const handler = { ...PAGES, ...api }[`${method} ${path}`];
    return handler === undefined
      ? { status: 404, json: { code: 404, description: 'Not found' } }
      : handler(state, body);
  }
}

function nodeInfo({ endpoint, mbusIp, micro, roles, knobs, isCore, core }: State): Answer {
  const nodes = isCore ? core.list() : [{ ip: mbusIp, roles }];
  return {
    status: 200,
    json: {
      endpoint,
      mbusip: mbusIp,
      micro_cloud: micro,
      nodes: Object.fromEntries(nodes.map(({ ip, roles: its }) => [ip, { roles: its }])),
      maintenance_mode: false,
      vendor_version: `v${knobs.release}`,
    },
  };
}

function infoOf({ knobs, family, adminEmail }: State): object {
  return {
    name: 'stackato',
    build: 2222,
    support: 'stackato-support@activestate.com',
    version: family.infoVersion,
    description: 'ActiveState Stackato',
    allow_debug: false,
    maintenance_mode: false,
    vendor_version: `v${knobs.release}`,
    ...(family.firstAdmin === 'firstuser' ? { stackato: { license_accepted: adminEmail !== undefined } } : {}),
  };
}

function send(response: ServerResponse, { status, text, json, location }: Answer): void {
  const type = json === undefined ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8';
  response.writeHead(status, {
    'Content-Type': type,
    Server: 'nginx/1.1.19',
    ...(location === undefined ? {} : { Location: location }),
  });
  response.end(json === undefined ? text : JSON.stringify(json));
}

const SHORTEST_EMAIL = 5;
const LONGEST_REFUSED_PASSWORD = 4;

const ERRORS = {
  missing: [403, 100, 'Stackato micro-cloud is not setup with a license.'],
  done: [500, 101, 'Stackato micro-cloud is already set up.'],
  noEmail: [400, 103, 'Email is required.'],
  shortEmail: [400, 104, 'Email is too short.'],
  shortPassword: [400, 105, 'Password must exceed 4 characters.'],
} as const;

function licence({ adminEmail }: State): Answer {
  return adminEmail === undefined ? refusal('missing') : { status: 200, json: { type: 'microcloud' } };
}

function firstAdmin(state: State, body: string): Answer {
  const form = new URLSearchParams(body);
  const email = form.get('email') ?? '';
  const password = form.get('password') ?? '';
  if (state.adminEmail !== undefined) return refusal('done');
  if (email === '') return refusal('noEmail');
  if (email.length < SHORTEST_EMAIL) return refusal('shortEmail');
  if (password.length <= LONGEST_REFUSED_PASSWORD) return refusal('shortPassword');
  state.adminEmail = email;
  if (state.password === FACTORY_PASSWORD) state.password = form.get('unix_password') ?? password;
  return { status: 200, json: { token: randomUUID() } };
}

/** Of 3.x. The unix password becomes that of the account, while it is still the factory password. */
function firstUser(state: State, body: string): Answer {
  const user = fieldsOf(body);
  const { username = '', email = '', password = '', org_name: organization = '', space_name: space = '' } = user;
  if (state.adminEmail !== undefined) return { status: 400, json: { code: 310, description: ALREADY } };
  if (username === '' || password === '' || !/.@./.test(email) || organization === '' || space === '')
    return {
      status: 400,
      json: { code: 1001, description: `Request invalid due to parse error: ${Object.keys(user).join(', ')}` },
    };
  state.adminEmail = email;
  // For tests.
  state.files.write('/var/lib/first-user.json', JSON.stringify({ username, email, organization, space }));
  if (state.password === FACTORY_PASSWORD) state.password = password;
  return { status: 201, json: { metadata: { guid: randomUUID() } } };
}

const ALREADY = 'The first user has already been set up.';

function fieldsOf(body: string): Readonly<Record<string, string>> {
  try {
    const fields: unknown = JSON.parse(body);
    return typeof fields === 'object' && fields !== null
      ? Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, String(value)]))
      : {};
  } catch {
    return {};
  }
}

function refusal(error: keyof typeof ERRORS): Answer {
  const [status, code, description] = ERRORS[error];
  return { status, json: { code, description } };
}
