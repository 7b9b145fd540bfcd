import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp_ } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { ServerOptions } from 'node:https';
import { createServer as createTcp } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHttp } from '../../src/adapters/http';
import { DeployError } from '../../src/deployment/errors';
import { selfSigned } from './ssh-server';

const http = createHttp();
const IP = '127.66.0.1';

describe('http', function () {
  this.timeout(30_000);
  const servers: Server[] = [];
  let dir: string;
  let tls: ServerOptions;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-http-'));
    const { key, cert } = selfSigned(dir);
    tls = { key: readFileSync(key), cert: readFileSync(cert) };
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  after(() => rmSync(dir, { recursive: true }));

  const listen = (server: Server): Promise<number> => {
    servers.push(server);
    return new Promise((resolve) => server.listen(0, IP, () => resolve((server.address() as { port: number }).port)));
  };
  const plain = (handler: RequestListener): Promise<number> => listen(createHttp_(handler));
  const secure = (handler: RequestListener, options: ServerOptions = {}): Promise<number> =>
    listen(createHttps({ ...tls, ...options }, handler));
  const fails = (url: string, words: RegExp): Promise<void> =>
    assert.rejects(http.get(url, IP), (error) => {
      assert.ok(error instanceof DeployError && error.code === 'CONSOLE_NOT_UP', String(error));
      assert.match(error.message, words);
      return true;
    });

  it('asks that address by the name', async () => {
    const seen: string[] = [];
    const port = await plain((request, response) => {
      seen.push(`${request.method} ${request.headers.host} ${request.url}`);
      response.writeHead(404, { 'X-One': 'a', 'Set-Cookie': ['a=1', 'b=2'] }).end('VCAP ROUTER: 404');
    });
    const answer = await http.get(`http://dev.nowhere.invalid:${port}/a?b=c`, IP);
    assert.deepEqual(
      [answer.status, answer.headers['x-one'], answer.headers['set-cookie'], answer.body],
      [404, 'a', 'a=1,b=2', 'VCAP ROUTER: 404'],
    );
    assert.deepEqual(seen, [`GET dev.nowhere.invalid:${port} /a?b=c`]);
  });

  it('asks over TLS whatever the certificate says, with the name in SNI', async () => {
    const seen: unknown[] = [];
    const port = await secure((request, response) => {
      seen.push(Reflect.get(request.socket, 'servername'));
      response.end('{}');
    });
    assert.equal((await http.get(`https://api.dev.nowhere.invalid:${port}/info`, IP)).body, '{}');
    assert.equal((await http.get(`https://${IP}:${port}/info`, IP)).status, 200);
    assert.deepEqual(seen, ['api.dev.nowhere.invalid', false]);
  });

  it('speaks the TLS of 2012', async () => {
    const port = await secure((_request, response) => response.end('old'), {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    assert.equal((await http.get(`https://x.invalid:${port}/`, IP)).body, 'old');
  });

  it('does not follow redirects', async () => {
    let requests = 0;
    const port = await plain((_request, response) => {
      requests += 1;
      response.writeHead(302, { Location: '/elsewhere' }).end();
    });
    const { status, headers } = await http.get(`http://x.invalid:${port}/`, IP);
    assert.deepEqual([status, headers['location'], requests], [302, '/elsewhere', 1]);
  });

  it('cuts the body at 64 KiB', async () => {
    const port = await secure((_request, response) => response.end('é'.repeat(100_000)));
    assert.equal(Buffer.byteLength((await http.get(`https://x.invalid:${port}/`, IP)).body), 64 * 1024);
  });

  it('says why there is no answer', async () => {
    const port = await listen(createTcp((socket) => socket.destroy()));
    await fails(
      `http://x.invalid:${port}/`,
      new RegExp(`^http://x.invalid:${port}/ does not answer at ${IP}: ECONNRESET\\.$`),
    );
    await fails('http://x.invalid:1/', /ECONNREFUSED/);
    const notTls = await plain((_request, response) => response.end());
    await fails(`https://x.invalid:${notTls}/`, /does not answer at 127\.66\.0\.1: \w+/);
    const cut = await plain((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => response.destroy());
    });
    await fails(`http://x.invalid:${cut}/`, /ECONNRESET/);
  });

  it('does not wait for ever', async () => {
    const mute = createTcp(() => undefined);
    await fails(`http://x.invalid:${await listen(mute)}/`, /it took more than 10 s/);
  });
});
