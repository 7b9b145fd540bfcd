/** QEMU's monitor, by its machine protocol: one line of JSON for each thing said. */

import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

export class Monitor {
  private readonly lines: Interface;
  private readonly waiting: ((reply: Reply) => void)[] = [];

  static async connect(path: string): Promise<Monitor> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    const monitor = new Monitor(socket);
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  private constructor(private readonly socket: Socket) {
    this.lines = createInterface({ input: socket });
    this.lines.on('line', (line) => {
      const reply = JSON.parse(line) as Reply;
      // A greeting and events come unasked.
      if ('return' in reply || 'error' in reply) this.waiting.shift()?.(reply);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const told of this.waiting.splice(0)) told({ error: { desc: 'QEMU ended.' } });
    });
  }

  /** A command of the monitor that people type at, which has no errors but words: throws where they are others than these. */
  async command(line: string, words: RegExp): Promise<void> {
    const said = String(await this.execute('human-monitor-command', { 'command-line': line })).trim();
    if (!words.test(said)) throw new Error(`QEMU says to "${line}": ${said}`);
  }

  close(): void {
    this.socket.destroy();
  }

  private async execute(execute: string, args: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.push(resolve);
      this.socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
    if (reply.error !== undefined) throw new Error(`QEMU refuses ${execute}: ${reply.error.desc}`);
    return reply.return;
  }
}
