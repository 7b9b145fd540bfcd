/** A client of QEMU's monitor, which speaks QMP: one JSON object per line. */

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
      // The greeting and events are not replies.
      if ('return' in reply || 'error' in reply) this.waiting.shift()?.(reply);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const told of this.waiting.splice(0)) told({ error: { desc: 'QEMU exited.' } });
    });
  }

  /** Runs a command of the human monitor. That has no error codes, so this throws if the output does not match. */
  async command(line: string, expected: RegExp): Promise<void> {
    const output = String(await this.execute('human-monitor-command', { 'command-line': line })).trim();
    if (!expected.test(output)) throw new Error(`QEMU answered "${line}" with: ${output}`);
  }

  close(): void {
    this.socket.destroy();
  }

  private async execute(execute: string, args: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.push(resolve);
      this.socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
    if (reply.error !== undefined) throw new Error(`QEMU refused ${execute}: ${reply.error.desc}`);
    return reply.return;
  }
}
