/** The console: nginx, router and cloud controller in one. Also served to whoever is on the machine, whatever ports are open. */

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { certificateOf } from './identity';
import { firstAdmin, licence } from './first-admin';
import type { Answer } from './first-admin';
import type { State } from './state';

const PAGE =
  '<!DOCTYPE html>\n<html><head><title>Stackato Management Console</title></head><body><h1>Stackato Management Console</h1></body></html>\n';
const FORM_LIMIT = 64 * 1024;

type Handler = (state: State, form: URLSearchParams) => Answer;

const PATHS: Readonly<Record<string, Handler>> = {
  'GET /': () => ({ status: 200, text: PAGE }),
  'GET /info': (state) => ({ status: 200, json: infoOf(state) }),
  'GET /stackato/info': ({ endpoint, mbusIp, micro, roles, knobs }) => ({
    status: 200,
    json: {
      endpoint,
      mbusip: mbusIp,
      micro_cloud: micro,
      nodes: { [mbusIp]: { roles } },
      maintenance_mode: false,
      vendor_version: `v${knobs.release}`,
    },
  }),
  'GET /stackato/license': licence,
  'POST /stackato/license': firstAdmin,
};

export class Console {
  private readonly plain: Server;
  private readonly secure: TlsServer;
  private shown = '';

  constructor(private readonly state: State) {
    this.plain = createServer((request, response) => this.serve(request, response, false));
    this.secure = createTlsServer((request, response) => this.serve(request, response, true));
    this.secure.on('tlsClientError', () => undefined);
  }

  http(stream: Duplex): void {
    this.plain.emit('connection', stream);
  }

  https(stream: Duplex): void {
    const certificate = certificateOf(this.state.place);
    if (certificate.cert !== this.shown) this.secure.setSecureContext(certificate);
    this.shown = certificate.cert;
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
    // Without a port: the machine knows none of the outside's.
    if (!secure && state.knobs.httpRedirect) return { status: 302, text: '', location: `https://${host}${url}` };
    if (!state.consoleUp) return { status: 503, text: '<h1>503 Service Unavailable</h1>\n' };
    const [path = ''] = url.split('?');
    const handler = PATHS[`${method} ${path}`];
    return handler === undefined
      ? { status: 404, json: { code: 404, description: 'Not found' } }
      : handler(state, new URLSearchParams(body));
  }
}

function infoOf({ knobs, family }: State): object {
  return {
    name: 'stackato',
    build: 2222,
    support: 'stackato-support@activestate.com',
    version: family.infoVersion,
    description: 'ActiveState Stackato',
    allow_debug: false,
    maintenance_mode: false,
    vendor_version: `v${knobs.release}`,
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
