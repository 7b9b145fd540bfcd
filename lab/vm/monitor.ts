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

interface Message extends Reply {
  readonly event?: string;
  readonly data?: { readonly device?: string };
}

/** Arguments of a command. */
export type Arguments = Readonly<Record<string, unknown>>;

export class Monitor {
  private readonly lines: Interface;
  private readonly waiting: ((reply: Reply) => void)[] = [];
  private readonly unplugged = new Map<string, () => void>();

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
      const message = JSON.parse(line) as Message;
      // The greeting and events are not replies.
      if ('return' in message || 'error' in message) this.waiting.shift()?.(message);
      if (message.event === 'DEVICE_DELETED') this.unplugged.get(message.data?.device ?? '')?.();
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

  async execute(execute: string, args: Arguments = {}): Promise<unknown> {
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.push(resolve);
      this.socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
    if (reply.error !== undefined) throw new Error(`QEMU refused ${execute}: ${reply.error.desc}`);
    return reply.return;
  }

  /** Resolves once the guest has let go of the device. */
  async unplug(id: string, limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const gone = new Promise<void>((resolve, reject) => {
      this.unplugged.set(id, resolve);
      this.socket.once('close', () => reject(new Error('QEMU exited.')));
      timer = setTimeout(() => reject(new Error(`The guest has not let go of ${id}.`)), limitMs);
    });
    gone.catch(() => undefined);
    try {
      await this.execute('device_del', { id });
      await gone;
    } finally {
      clearTimeout(timer);
      this.unplugged.delete(id);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}
