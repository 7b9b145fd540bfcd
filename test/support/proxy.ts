/** A proxy as they are: tunnels by CONNECT, hands on requests with whole URLs, and may want a password. Written from RFC 9110, not from a client. */

import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export class TestProxy {
  /** `CONNECT host:port`, or `POST http://host:port/path`. */
  readonly asked: string[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly credentials: string | undefined,
  ) {}

  /** @param credentials `user:password`; absent: everybody is let through. */
  static async start(credentials?: string): Promise<TestProxy> {
    const server = createServer();
    const proxy = new TestProxy(server, credentials);
    server.on('connection', (socket: Socket) => {
      proxy.sockets.add(socket);
      socket.on('close', () => proxy.sockets.delete(socket)).on('error', () => undefined);
    });
    server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      proxy.tunnel(request, socket, head),
    );
    server.on('request', (request, response) => {
      proxy.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      if (!proxy.admits(request))
        return void response
          .writeHead(407, { 'proxy-authenticate': 'Basic realm="test"' })
          .end('<html>Proxy Authentication Required</html>');
      const { 'proxy-authorization': _own, 'proxy-connection': _hop, ...headers } = request.headers;
      const onward = ask(request.url ?? '', { method: request.method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.writeHead(502).end('<html>Bad Gateway</html>'));
      return void request.pipe(onward);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }

  private tunnel(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.asked.push(`CONNECT ${request.url ?? ''}`);
    if (!this.admits(request))
      return void socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="test"\r\nContent-Length: 0\r\n\r\n',
      );
    const [, host = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(request.url ?? '') ?? [];
    const onward = connect(Number(port), host);
    this.sockets.add(onward);
    onward.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'));
    return undefined;
  }

  private admits({ headers }: IncomingMessage): boolean {
    return (
      this.credentials === undefined ||
      headers['proxy-authorization'] === `Basic ${Buffer.from(this.credentials).toString('base64')}`
    );
  }
}
