/** What the EC2 and S3 fronts of a cloud have in common: an HTTP server, and a log of calls. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** More than any test makes. A lab that stays up for weeks drops the oldest. */
const CALLS_KEPT = 100_000;

export abstract class HttpFront<Call> {
  readonly calls: Call[] = [];
  private readonly server: Server;
  private readonly late = new Set<NodeJS.Timeout>();

  constructor() {
    this.server = createServer(
      (request, response) => void this.serve(request, response).catch(() => request.socket.destroy()),
    );
    // With the default of 5 s, clients would often reuse a connection just as it is closed.
    this.server.keepAliveTimeout = 60_000;
  }

  async listen(host: string, port: number): Promise<void> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
  }

  async close(): Promise<void> {
    for (const timer of this.late) clearTimeout(timer);
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  protected abstract serve(request: IncomingMessage, response: ServerResponse): Promise<void>;

  /** Does the work after a delay, unless the server is closed first. */
  protected later(ms: number, work: () => Promise<unknown>): void {
    const timer = setTimeout(() => {
      this.late.delete(timer);
      void work();
    }, ms);
    this.late.add(timer);
  }

  protected log(call: Call): void {
    this.calls.push(call);
    if (this.calls.length > CALLS_KEPT) this.calls.splice(0, CALLS_KEPT / 10);
  }
}

/** Sends half of a response and drops the connection: within the body or, if it is empty, within the headers. */
export function sendTruncated(socket: Socket, status: number, body: Buffer): void {
  const head = `HTTP/1.1 ${status} Cut\r\nContent-Length: ${body.length}\r\n`;
  const half = body.subarray(0, Math.floor(body.length / 2));
  socket.end(Buffer.concat(body.length === 0 ? [Buffer.from(head)] : [Buffer.from(`${head}\r\n`), half]), () =>
    socket.destroy(),
  );
}
