/** What each front of a cloud is, whatever it speaks: an HTTP server, and the calls it has seen. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Enough for every test; a lab that stays up for weeks forgets the oldest. */
const CALLS_KEPT = 100_000;

export abstract class Served<Call> {
  readonly calls: Call[] = [];
  private readonly server: Server;
  private readonly late = new Set<NodeJS.Timeout>();

  constructor() {
    this.server = createServer(
      (request, response) => void this.serve(request, response).catch(() => request.socket.destroy()),
    );
    // Clients that keep connections would otherwise be cut off just when they use one again.
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

  /** Does it when nobody waits for it any more; not once it is closed. */
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
